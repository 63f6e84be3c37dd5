package projections

import (
	"context"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
)

// Commit sends what is new or other than it was, and has it committed with the
// generation's place. It does not wait for that: Settle does.
func (b *BulkFolder) Commit() error {
	if len(b.ranges) == 0 {
		return nil
	}
	if b.torn {
		return errors.AssertionFailedf("generation %d: a fold that was broken off cannot be committed", b.plain.generation)
	}
	for _, send := range []func() error{b.sendHistory, b.members.copy, b.members.set, b.entities.copy, b.entities.set, b.copyUsers, b.setUsers, b.sendHands, b.setOthers, b.sendRefused} {
		if err := send(); err != nil {
			return err
		}
	}
	ranges := b.ranges
	b.ranges = nil
	return b.write.send(0, func(ctx context.Context, conn *pgbatch.Conn) error {
		pipe := conn.Begin()
		moved := b.plain.move(pipe, ranges)
		if err := pipe.Run(ctx); err != nil {
			return err
		}
		if err := moved(); err != nil {
			return err
		}
		pipe = conn.Begin()
		pipe.Add(b.plain.folder.stmts.commit, nil)
		if err := pipe.Run(ctx); err != nil {
			return err
		}
		if tag := pipe.Tag(0); tag != "COMMIT" {
			return errors.AssertionFailedf("commit: Postgres answered %s", tag)
		}
		b.write.open = false
		return nil
	})
}

// Settle waits until what was given to Commit is committed.
func (b *BulkFolder) Settle(ctx context.Context) error {
	err := b.write.settle(ctx)
	if err == nil && len(b.ranges) == 0 {
		b.unsettled = false
	}
	return err
}

// addHistory takes the batch's changes of badges.
func (b *BulkFolder) addHistory(batch *processor.Batch) error {
	f := b.plain.folder
	changes := batch.Changes()
	for i := range changes {
		h := f.historyRow(&changes[i], schemas.ReasonActivity)
		c := b.history
		c.Row()
		c.AddText(h.Topic)
		c.AddInt4(h.Partition)
		c.AddInt8(h.Offset)
		c.AddInt8(h.Ordinal)
		c.AddText(h.User)
		c.AddText(h.Badge)
		c.AddText(h.Category)
		c.AddText(h.Criterion)
		c.AddInt4(h.Tier)
		c.AddBool(h.Revoked)
		c.AddTime(h.At)
		c.AddTime(h.EarnedAt)
		c.AddText(h.EventID)
		c.AddText(h.EventSource)
		f.text = h.Counters.Append(f.text[:0])
		c.AddBytes(f.text)
		c.AddInt8(h.Version)
		c.AddInt4(h.CatalogVersion)
		c.AddText(string(h.Reason))
		c.AddInt4(b.plain.generation)
	}
	if b.history.Rows() < bulkRows {
		return nil
	}
	return b.sendHistory()
}

func (b *BulkFolder) sendHistory() error {
	if b.history.Rows() == 0 {
		return nil
	}
	rows := b.history
	b.history = b.write.rows(historyFields)
	return b.write.copy(b.stmts.newHistory, rows)
}
