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
	if err := b.query(ctx, b.stmts.allMembers, func(v [][]byte) error {
		if b.members.full() {
			b.members.missed = true
			b.members.gone.add(readKey(v))
			return nil
		}
		b.readMember(v)
		return nil
	}); err != nil {
		return err
	}
	if err := b.query(ctx, b.stmts.allEntities, func(v [][]byte) error {
		if b.entities.full() {
			b.entities.missed = true
			b.entities.gone.add(readKey(v))
			return nil
		}
		b.readEntity(v)
		return nil
	}); err != nil {
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

// readMembers reads the rows that are missing.
func (b *BulkFolder) readMembers(ctx context.Context) error {
	return b.find(ctx, b.stmts.findMembers, func(v [][]byte) error { b.readMember(v); return nil })
}

// readEntities reads the rows that are missing.
func (b *BulkFolder) readEntities(ctx context.Context) error {
	return b.find(ctx, b.stmts.findEntities, func(v [][]byte) error { b.readEntity(v); return nil })
}

// find looks for the missing rows, in the order of their index.
func (b *BulkFolder) find(ctx context.Context, stmt pgbatch.Statement, row pgbatch.Row) error {
	if len(b.missing) == 0 {
		return nil
	}
	keys := inOrder(b.missing)
	pipe := b.reads.Begin()
	cols := make([]pgbatch.Column, 2)
	pipe.AddParts(stmt, row, parts(len(keys), func(from, to int) [][]byte {
		start(cols, pgbatch.Int8, pgbatch.Int8)
		for _, k := range keys[from:to] {
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

func (b *BulkFolder) readMember(v [][]byte) {
	r := b.members.young.add(readKey(v))
	r.coll, r.state, r.at, r.storedRow = pgbatch.ReadInt2(v[2]), pgbatch.ReadInt4(v[3]), processor.NoTime, storedRow{stored: true}
	if v[4] != nil {
		r.at = pgbatch.ReadTime(v[4])
	}
}

func (b *BulkFolder) readEntity(v [][]byte) {
	r := b.entities.young.add(readKey(v))
	r.coll, r.state, r.storedRow = pgbatch.ReadInt2(v[2]), pgbatch.ReadInt4(v[3]), storedRow{stored: true}
	for s := range r.sums {
		r.sums[s] = pgbatch.ReadInt8(v[4+s])
	}
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
