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
	for _, send := range []func() error{b.sendHistory, b.copyMembers, b.setMembers, b.copyEntities, b.setEntities, b.copyUsers, b.setUsers, b.sendHands, b.setOthers, b.sendRefused} {
		if err := send(); err != nil {
			return err
		}
	}
	ranges := b.ranges
	b.ranges = nil
	return b.write.send(func(ctx context.Context, conn *pgbatch.Conn) error {
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

func (b *BulkFolder) copyMembers() error {
	list := b.members.fresh
	sortRows(list)
	err := inParts(list, func(part []*memberRow) error {
		rows := b.write.rows(6)
		for _, r := range part {
			rows.Row()
			rows.AddInt8(r.key.user)
			rows.AddInt8(r.key.row)
			rows.AddInt2(r.coll)
			rows.AddInt4(r.state)
			rows.AddInt4(r.state)
			if r.at == processor.NoTime {
				rows.Null()
			} else {
				rows.AddTime(r.at)
			}
			r.storedRow = storedRow{stored: true}
		}
		return b.write.copy(b.stmts.newMembers, rows)
	})
	b.members.fresh = list[:0]
	return err
}

func (b *BulkFolder) setMembers() error {
	list := b.members.dirty
	sortRows(list)
	err := inParts(list, func(part []*memberRow) error {
		cols := make([]pgbatch.Column, 6)
		start(cols, pgbatch.Int8, pgbatch.Int8, pgbatch.Int2, pgbatch.Int4, pgbatch.Int4, pgbatch.TimestampTZ)
		for _, r := range part {
			cols[0].AddInt8(r.key.user)
			cols[1].AddInt8(r.key.row)
			cols[2].AddInt2(r.coll)
			cols[3].AddInt4(r.state)
			cols[4].AddInt4(r.state)
			if r.at == processor.NoTime {
				cols[5].Null()
			} else {
				cols[5].AddTime(r.at)
			}
			r.dirty = false
		}
		return b.write.run(b.stmts.members, params(cols)...)
	})
	b.members.dirty = list[:0]
	return err
}

func (b *BulkFolder) copyEntities() error {
	list := b.entities.fresh
	sortRows(list)
	err := inParts(list, func(part []*entityRow) error {
		rows := b.write.rows(5 + len(part[0].sums))
		for _, r := range part {
			rows.Row()
			rows.AddInt8(r.key.user)
			rows.AddInt8(r.key.row)
			rows.AddInt2(r.coll)
			rows.AddInt4(r.state)
			rows.AddInt4(r.state)
			for _, s := range r.sums {
				rows.AddInt8(s)
			}
			r.storedRow = storedRow{stored: true}
		}
		return b.write.copy(b.stmts.newEntities, rows)
	})
	b.entities.fresh = list[:0]
	return err
}

func (b *BulkFolder) setEntities() error {
	list := b.entities.dirty
	sortRows(list)
	err := inParts(list, func(part []*entityRow) error {
		cols := make([]pgbatch.Column, 5+len(part[0].sums))
		start(cols, pgbatch.Int8, pgbatch.Int8, pgbatch.Int2, pgbatch.Int4, pgbatch.Int4, pgbatch.Int8, pgbatch.Int8, pgbatch.Int8, pgbatch.Int8)
		for _, r := range part {
			cols[0].AddInt8(r.key.user)
			cols[1].AddInt8(r.key.row)
			cols[2].AddInt2(r.coll)
			cols[3].AddInt4(r.state)
			cols[4].AddInt4(r.state)
			for s, v := range r.sums {
				cols[5+s].AddInt8(v)
			}
			r.dirty = false
		}
		return b.write.run(b.stmts.entities, params(cols)...)
	})
	b.entities.dirty = list[:0]
	return err
}

// inParts calls f with a few rows of a list after the other.
func inParts[R any](list []*R, f func([]*R) error) error {
	for len(list) > 0 {
		n := min(bulkRows, len(list))
		if err := f(list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}
