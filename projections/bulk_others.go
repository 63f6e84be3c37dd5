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
	err := inParts(b.refused, func(part []Place) error {
		return b.write.run(b.plain.folder.stmts.refused, refusedParams(make([]pgbatch.Column, 3), part)...)
	})
	b.refused = b.refused[:0]
	return err
}

// sendHands sends what people decided about users, whose rows were sent before.
func (b *BulkFolder) sendHands() error {
	err := inParts(b.hands, func(part []*bulkUser) error {
		updates := make([]processor.HandUpdate, len(part))
		for i, u := range part {
			updates[i] = processor.HandUpdate{User: u.id(), ByHand: u.hand}
			u.decided = false
		}
		return b.write.run(b.plain.folder.stmts.byHand, handParams(make([]pgbatch.Column, 4), updates)...)
	})
	b.hands = b.hands[:0]
	return err
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
