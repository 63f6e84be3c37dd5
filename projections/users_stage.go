package projections

import (
	"context"
	"slices"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
)

// writeUsers adds to the users' rows and returns them as they are then. A
// batch's ops set a due date (a tick) or bring one nearer (all others), never
// both.
func (f *Folder) writeUsers(ctx context.Context, ops []processor.UserOp) ([]processor.UserRow, error) {
	if len(ops) == 0 {
		return nil, nil
	}
	stmt := f.stmts.users
	if ops[0].SetDue {
		stmt = f.stmts.due
	}
	a := &f.answers
	width := len(f.cat.Counters)
	a.users = slices.Grow(a.users[:0], len(ops))
	a.counters = slices.Grow(a.counters[:0], len(ops)*width)
	a.held = a.held[:0]
	pipe := f.conn.Begin()
	pipe.AddParts(stmt, func(v [][]byte) error {
		from := len(a.counters)
		for _, c := range v[6:] {
			a.counters = append(a.counters, pgbatch.ReadInt8(c))
		}
		held, err := a.readHeld(v[1], v[2])
		if err != nil {
			return err
		}
		hand, err := readByHand(v[3:6])
		a.users = append(a.users, processor.UserRow{
			Version:  pgbatch.ReadInt8(v[0]),
			Counters: a.counters[from:len(a.counters):len(a.counters)],
			Held:     held,
			ByHand:   hand,
		})
		return err
	}, parts(len(ops), func(from, to int) [][]byte { return f.userParams(ops[from:to]) }))
	if err := pipe.Run(ctx); err != nil {
		return nil, err
	}
	return a.users, counted(stmt.Name, len(ops), len(a.users))
}

func (f *Folder) userParams(ops []processor.UserOp) [][]byte {
	width := len(f.cat.Counters)
	f.wide = slices.Grow(f.wide, 3+width)[:3+width]
	cols := f.wide
	cols[0].Start(pgbatch.Text)
	cols[1].Start(pgbatch.Int8)
	cols[2].Start(pgbatch.TimestampTZ)
	for c := range width {
		cols[3+c].Start(pgbatch.Int8)
	}
	for i := range ops {
		op := &ops[i]
		cols[0].AddText(op.User)
		cols[1].AddInt8(op.Events)
		if op.DueAt == 0 {
			cols[2].Null()
		} else {
			cols[2].AddTime(op.DueAt)
		}
		for c, add := range op.Add {
			cols[3+c].AddInt8(add)
		}
	}
	return params(cols)
}

// addHeld adds the statement that writes the badges held. The arrays of a
// part's users go as one, with each user's bounds.
func (f *Folder) addHeld(pipe *pgbatch.Pipe, updates []processor.HeldUpdate) {
	if len(updates) == 0 {
		return
	}
	pipe.AddParts(f.stmts.held, nil, parts(len(updates), func(from, to int) [][]byte { return f.heldParams(updates[from:to]) }))
}

func (f *Folder) heldParams(updates []processor.HeldUpdate) [][]byte {
	cols := f.cols[:5]
	start(cols, pgbatch.Text, pgbatch.Int4, pgbatch.Int4, pgbatch.Int2, pgbatch.TimestampTZ)
	for i := range updates {
		u := &updates[i]
		cols[0].AddText(u.User)
		cols[1].AddInt4(int32(cols[3].Len() + 1))
		for _, h := range u.Held {
			cols[3].AddInt2(h.Badge)
			cols[4].AddTime(h.At)
		}
		cols[2].AddInt4(int32(cols[3].Len()))
	}
	return params(cols)
}
