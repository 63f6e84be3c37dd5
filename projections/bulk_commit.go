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

func (b *BulkFolder) copyMembers() error {
	return copyRows(b.write, b.stmts.newMembers, &b.members)
}

func (b *BulkFolder) setMembers() error {
	return setRows(b.write, b.stmts.members, &b.members)
}

func (b *BulkFolder) copyEntities() error {
	return copyRows(b.write, b.stmts.newEntities, &b.entities)
}

func (b *BulkFolder) setEntities() error {
	return setRows(b.write, b.stmts.entities, &b.entities)
}

// copyRows gives the writer the rows that are new.
func copyRows[R any, P keyedRow[R]](w *bulkWriter, stmt pgbatch.Statement, c *rowCache[R, P]) error {
	types := P(nil).types()
	sortRows(c.fresh)
	err := inParts(c.fresh, func(part []P) error {
		rows := w.rows(len(types))
		for _, r := range part {
			rows.Row()
			r.write(rows)
			*r.inTable() = storedRow{stored: true}
		}
		return w.copy(stmt, rows)
	})
	c.fresh = c.fresh[:0]
	return err
}

// setRows gives the writer the rows that are other than they are stored.
func setRows[R any, P keyedRow[R]](w *bulkWriter, stmt pgbatch.Statement, c *rowCache[R, P]) error {
	types := P(nil).types()
	sortRows(c.dirty)
	err := inParts(c.dirty, func(part []P) error {
		row := columnRow{cols: make([]pgbatch.Column, len(types))}
		start(row.cols, types...)
		for _, r := range part {
			row.next = 0
			r.write(&row)
			r.inTable().dirty = false
		}
		return w.run(stmt, params(row.cols)...)
	})
	c.dirty = c.dirty[:0]
	return err
}

// inParts calls f with a few items of a list after the other.
func inParts[T any](list []T, f func([]T) error) error {
	for len(list) > 0 {
		n := min(bulkRows, len(list))
		if err := f(list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}
