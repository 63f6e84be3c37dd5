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
	if err := b.members.load(ctx, b.query); err != nil {
		return err
	}
	if err := b.entities.load(ctx, b.query); err != nil {
		return err
	}
	most := b.users.limit / 2
	err := b.query(ctx, b.stmts.allUsers, b.readUser, pgbatch.Int8Param(int64(most)))
	b.users.missed = b.users.n == most
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
	b.room = u.hold(held, b.room)
	if u.hand, err = readByHand(v[5:8]); err != nil {
		return err
	}
	counters := make([]int64, 0, len(v)-8)
	for _, c := range v[8:] {
		counters = append(counters, pgbatch.ReadInt8(c))
	}
	b.room = u.pack(counters, b.room)
	return nil
}
