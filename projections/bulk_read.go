package projections

import (
	"context"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
)

// load reads as much as there is room for of what a predecessor has committed.
func (b *BulkFolder) load(ctx context.Context) error {
	if err := b.loadClock(ctx); err != nil {
		return err
	}
	if err := b.query(ctx, b.stmts.allPlaces, func(v [][]byte) error {
		b.places[pgbatch.ReadInt2(v[0])] = pgbatch.ReadInt8(v[1])
		return nil
	}); err != nil {
		return err
	}
	if err := b.query(ctx, b.stmts.allMembers, whileThereIsRoom(&b.members, b.readMember)); err != nil {
		return err
	}
	if err := b.query(ctx, b.stmts.allEntities, whileThereIsRoom(&b.entities, b.readEntity)); err != nil {
		return err
	}
	most := b.users.limit / 2
	err := b.query(ctx, b.stmts.allUsers, b.readUser, pgbatch.Int8Param(int64(most)))
	b.users.missed = len(b.users.young) == most
	return err
}

// loadClock reads the clock, and when the next is due.
func (b *BulkFolder) loadClock(ctx context.Context) error {
	return b.query(ctx, b.stmts.present, func(v [][]byte) error {
		b.clock, b.nextDue = 0, 0
		if v[0] != nil {
			b.clock = pgbatch.ReadTime(v[0])
		}
		if v[1] != nil {
			b.nextDue = pgbatch.ReadTime(v[1])
		}
		return nil
	})
}

func (b *BulkFolder) query(ctx context.Context, stmt pgbatch.Statement, row pgbatch.Row, params ...[]byte) error {
	pipe := b.reads.Begin()
	pipe.Add(stmt, row, params...)
	return pipe.Run(ctx)
}

// whileThereIsRoom takes rows for as long as there is, and the keys of the rest.
func whileThereIsRoom[R any, P keyedRow[R]](c *rowCache[R, P], read pgbatch.Row) pgbatch.Row {
	return func(v [][]byte) error {
		if c.full() {
			c.missed = true
			c.gone.add(readKey(v))
			return nil
		}
		return read(v)
	}
}

// readMissing reads those rows that are not here and may be in the table, in the
// order of their index.
func readMissing[R any, P keyedRow[R]](ctx context.Context, b *BulkFolder, c *rowCache[R, P], keys []keyed, stmt pgbatch.Statement, read pgbatch.Row) error {
	if !c.missed {
		return nil
	}
	b.missing = b.missing[:0]
	for _, k := range keys {
		if c.get(k.rowKey) == nil && c.mayBeStored(k.rowKey) {
			b.missing = append(b.missing, k)
		}
	}
	if len(b.missing) == 0 {
		return nil
	}
	sorted := inOrder(b.missing)
	pipe := b.reads.Begin()
	cols := make([]pgbatch.Column, 2)
	pipe.AddParts(stmt, read, parts(len(sorted), func(from, to int) [][]byte {
		start(cols, pgbatch.Int8, pgbatch.Int8)
		for _, k := range sorted[from:to] {
			cols[0].AddInt8(k.user)
			cols[1].AddInt8(k.row)
		}
		return params(cols)
	}))
	return pipe.Run(ctx)
}

func readKey(v [][]byte) rowKey {
	return rowKey{pgbatch.ReadInt8(v[0]), pgbatch.ReadInt8(v[1])}
}

func (b *BulkFolder) readMember(v [][]byte) error {
	r := b.members.young.add(readKey(v))
	r.coll, r.state, r.at, r.storedRow = pgbatch.ReadInt2(v[2]), pgbatch.ReadInt4(v[3]), processor.NoTime, storedRow{stored: true}
	if v[4] != nil {
		r.at = pgbatch.ReadTime(v[4])
	}
	return nil
}

func (b *BulkFolder) readEntity(v [][]byte) error {
	r := b.entities.young.add(readKey(v))
	r.coll, r.state, r.storedRow = pgbatch.ReadInt2(v[2]), pgbatch.ReadInt4(v[3]), storedRow{stored: true}
	for s := range r.sums {
		r.sums[s] = pgbatch.ReadInt8(v[4+s])
	}
	return nil
}

// readUsers reads the rows of users who are not here.
func (b *BulkFolder) readUsers(ctx context.Context, ops []processor.UserOp) error {
	if !b.users.missed {
		return nil
	}
	var missing []string
	for i := range ops {
		if b.users.get(ops[i].User) == nil {
			missing = append(missing, ops[i].User)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	cols := make([]pgbatch.Column, 1)
	pipe := b.reads.Begin()
	pipe.AddParts(b.stmts.findUsers, b.readUser, parts(len(missing), func(from, to int) [][]byte {
		cols[0].Start(pgbatch.Text)
		for _, id := range missing[from:to] {
			cols[0].AddText(id)
		}
		return params(cols)
	}))
	return pipe.Run(ctx)
}

func (b *BulkFolder) readUser(v [][]byte) error {
	u := b.users.add(string(v[0]))
	u.version, u.storedRow = pgbatch.ReadInt8(v[1]), storedRow{stored: true}
	if v[2] != nil {
		u.due = pgbatch.ReadTime(v[2])
	}
	var a answers
	held, err := a.readHeld(v[3], v[4])
	if err != nil {
		return err
	}
	u.held = held
	if u.hand, err = readByHand(v[5:8]); err != nil {
		return err
	}
	counters := make([]int64, 0, len(v)-8)
	for _, c := range v[8:] {
		counters = append(counters, pgbatch.ReadInt8(c))
	}
	u.pack(counters)
	return nil
}
