package projections

import (
	"context"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
)

// StoreRefused has all that was folded committed, if records of it were
// rejected that the table may not have.
func (b *BulkFolder) StoreRefused(ctx context.Context) error {
	if !b.unsettled {
		return nil
	}
	if err := b.Commit(); err != nil {
		return err
	}
	return b.Settle(ctx)
}

func (b *BulkFolder) sendRefused() error {
	for len(b.refused) > 0 {
		n := min(bulkRows, len(b.refused))
		cols := make([]pgbatch.Column, 3)
		start(cols, pgbatch.Text, pgbatch.Int4, pgbatch.Int8)
		for _, r := range b.refused[:n] {
			cols[0].AddText(r.Topic)
			cols[1].AddInt4(r.Partition)
			cols[2].AddInt8(r.Offset)
		}
		if err := b.write.run(b.plain.folder.stmts.refused, params(cols)...); err != nil {
			return err
		}
		b.refused = b.refused[n:]
	}
	b.refused = nil
	return nil
}

// sendHands sends what people decided about users, whose rows were sent before.
func (b *BulkFolder) sendHands() error {
	last := map[string]int{}
	for i := range b.hands {
		last[b.hands[i].User] = i
	}
	var updates []processor.HandUpdate
	for i := range b.hands {
		if last[b.hands[i].User] == i {
			updates = append(updates, b.hands[i])
		}
	}
	b.hands = nil
	for len(updates) > 0 {
		n := min(bulkRows, len(updates))
		if err := b.write.run(b.plain.folder.stmts.byHand, handParams(make([]pgbatch.Column, 4), updates[:n])...); err != nil {
			return err
		}
		updates = updates[n:]
	}
	return nil
}

// setOthers writes the places and the clock.
func (b *BulkFolder) setOthers() error {
	if !b.changed {
		return nil
	}
	b.changed = false
	cols := make([]pgbatch.Column, 3)
	start(cols, pgbatch.Int2, pgbatch.Int8, pgbatch.Int8)
	for coll, taken := range b.places {
		cols[0].AddInt2(coll)
		cols[1].AddInt8(taken)
		cols[2].AddInt8(taken)
	}
	if err := b.write.run(b.stmts.places, params(cols)...); err != nil || b.clock == 0 {
		return err
	}
	return b.write.run(b.stmts.clock, pgbatch.TimeParam(b.clock))
}
