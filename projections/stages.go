package projections

import (
	"context"
	"slices"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/cockroachdb/errors"
)

// openStage begins the transaction and writes the member rows, in one round
// trip: regime, fold offsets by compare-and-swap, the clock, the members.
func (f *Folder) openStage(ctx context.Context, t *transaction, ops []processor.MemberOp) error {
	pipe := f.conn.Begin()
	var found Regime
	pipe.Add(f.stmts.begin, nil)
	pipe.Add(f.stmts.regime, found.read)
	first := pipe.Len()
	// Partitions are locked in one order everywhere, whatever order the
	// ledger's rows have.
	order := slices.Clone(t.ranges)
	slices.SortFunc(order, func(a, b Range) int { return a.compare(b.TopicPartition) })
	for i := range order {
		f.advance(pipe, t, &order[i])
	}
	if f.cat.HasAgeBadges {
		pipe.Add(f.stmts.readClock, readClock(&t.clock))
	}
	timed := f.addMembers(pipe, ops)
	err := pipe.Run(ctx)
	if err := f.checkRegime(t, found, pipe.Finished() > 1); err != nil {
		return err
	}
	for i := range order {
		if pipe.Affected(first+i) == 0 {
			return errors.Wrapf(ErrStale, "%s/%d from offset %d, step %d", order[i].Topic, order[i].Partition, order[i].From.Offset, order[i].From.Step)
		}
	}
	if err != nil {
		return err
	}
	return timed()
}

func (f *Folder) advance(pipe *pgbatch.Pipe, t *transaction, r *Range) {
	pipe.Add(f.stmts.advance, t.readXID, []byte(r.Topic), pgbatch.Int4Param(r.Partition),
		pgbatch.Int8Param(r.From.Offset), pgbatch.Int8Param(r.From.Step),
		pgbatch.Int8Param(r.To.Offset), pgbatch.Int8Param(r.To.Step), pgbatch.Int8Param(r.To.Ordinal))
}

func (t *transaction) readXID(v [][]byte) error {
	t.xid = uint32(pgbatch.ReadInt4(v[0]))
	return nil
}

func readClock(into *int64) pgbatch.Row {
	return func(v [][]byte) error {
		if *into = 0; v[0] != nil {
			*into = pgbatch.ReadTime(v[0])
		}
		return nil
	}
}

// checkRegime compares the regime with the one that the folder was made for.
// A later statement may have failed because it is another.
func (f *Folder) checkRegime(t *transaction, found Regime, answered bool) error {
	if answered && found != f.in.Regime {
		return &RegimeChanged{Expected: f.in.Regime, Found: found}
	}
	t.epoch = found.Epoch
	return nil
}

// addMembers adds the one or two statements that write the members. The
// function that it returns puts their answers in order, once they are there.
func (f *Folder) addMembers(pipe *pgbatch.Pipe, ops []processor.MemberOp) func() error {
	a := &f.answers
	f.sortMembers(ops)
	a.members = slices.Grow(a.members[:0], len(ops))[:len(ops)]
	plain, timed := 0, 0
	if len(a.plain) > 0 {
		pipe.AddParts(f.stmts.members, func(v [][]byte) error {
			if plain < len(a.plain) {
				a.members[a.plain[plain].n] = processor.MemberPrior{State: prior(v[0])}
			}
			plain++
			return nil
		}, parts(len(a.plain), func(from, to int) [][]byte { return f.memberParams(f.cols[:5], ops, a.plain[from:to]) }))
	}
	if len(a.timed) > 0 {
		pipe.AddParts(f.stmts.timed, func(v [][]byte) error {
			if timed < len(a.timed) {
				was := processor.MemberPrior{State: prior(v[0]), At: processor.NoTime}
				if v[1] != nil {
					was.At = pgbatch.ReadTime(v[1])
				}
				a.members[a.timed[timed].n] = was
			}
			timed++
			return nil
		}, parts(len(a.timed), func(from, to int) [][]byte { return f.memberParams(f.cols[:6], ops, a.timed[from:to]) }))
	}
	return func() error {
		if err := counted(f.stmts.members.Name, len(a.plain), plain); err != nil {
			return err
		}
		return counted(f.stmts.timed.Name, len(a.timed), timed)
	}
}

// memberParams builds the columns of the ops named; the sixth is their time.
func (f *Folder) memberParams(cols []pgbatch.Column, ops []processor.MemberOp, which []keyed) [][]byte {
	start(cols, pgbatch.Int8, pgbatch.Int8, pgbatch.Int2, pgbatch.Int4, pgbatch.Int4, pgbatch.TimestampTZ)
	for _, k := range which {
		op := &ops[k.n]
		addRow(cols, k.rowKey, op.Collection, op.Next)
		if len(cols) > 5 {
			cols[5].AddTime(op.At)
		}
	}
	return params(cols)
}

// entityStage writes the entity rows.
func (f *Folder) entityStage(ctx context.Context, ops []processor.EntityOp) ([]processor.EntityRow, error) {
	a := &f.answers
	a.entities = slices.Grow(a.entities[:0], len(ops))[:len(ops)]
	f.sortEntities(ops)
	if err := f.upsertEntities(ctx, ops); err != nil {
		return nil, err
	}
	return a.entities, f.copyNewEntities(ctx, ops)
}

func (f *Folder) upsertEntities(ctx context.Context, ops []processor.EntityOp) error {
	a, n := &f.answers, 0
	if len(a.there) == 0 {
		return nil
	}
	pipe := f.conn.Begin()
	pipe.AddParts(f.stmts.entities, func(v [][]byte) error {
		if n < len(a.there) {
			row := &a.entities[a.there[n].n]
			row.Prior = prior(v[0])
			for s := range row.Sums {
				row.Sums[s] = pgbatch.ReadInt8(v[1+s])
			}
		}
		n++
		return nil
	}, parts(len(a.there), func(from, to int) [][]byte { return f.entityParams(ops, a.there[from:to]) }))
	if err := pipe.Run(ctx); err != nil {
		return err
	}
	return counted(f.stmts.entities.Name, len(a.there), n)
}

func (f *Folder) entityParams(ops []processor.EntityOp, which []keyed) [][]byte {
	cols := f.cols[:5+catalog.MaxSums]
	start(cols, pgbatch.Int8, pgbatch.Int8, pgbatch.Int2, pgbatch.Int4, pgbatch.Int4, pgbatch.Int8, pgbatch.Int8, pgbatch.Int8, pgbatch.Int8)
	for _, k := range which {
		op := &ops[k.n]
		addRow(cols, k.rowKey, op.Collection, op.Next)
		for s, add := range op.Add {
			cols[5+s].AddInt8(add)
		}
	}
	return params(cols)
}

// addRow adds what rows of members and of entities begin with. The outcome for
// a present row goes in prev, see outcome.
func addRow(cols []pgbatch.Column, k rowKey, collection int16, next processor.Next) {
	cols[0].AddInt8(k.user)
	cols[1].AddInt8(k.row)
	cols[2].AddInt2(collection)
	cols[3].AddInt4(next.IfAbsent)
	cols[4].AddInt4(-10 - next.IfPresent)
}

// placeStage draws places. A row is locked until the transaction ends, and all
// workers draw from the same: those that are known to be full are passed over.
func (f *Folder) placeStage(ctx context.Context, t *transaction, ops []processor.PlaceOp) ([]int64, error) {
	taken := f.answers.taken[:0]
	if !slices.ContainsFunc(ops, func(op processor.PlaceOp) bool { return !f.full[op.Collection] }) {
		for _, op := range ops {
			taken = append(taken, op.Places)
		}
		f.answers.taken = taken
		return taken, nil
	}
	// How many there are in all goes in prev as a negative number, so that an
	// inserted row can be told from one that was there.
	cols := f.cols[:3]
	start(cols, pgbatch.Int2, pgbatch.Int8, pgbatch.Int8)
	for _, op := range ops {
		cols[0].AddInt2(op.Collection)
		cols[1].AddInt8(min(op.Count, op.Places))
		cols[2].AddInt8(-op.Places)
	}
	pipe := f.conn.Begin()
	pipe.Add(f.stmts.places, func(v [][]byte) error {
		taken = append(taken, max(0, pgbatch.ReadInt8(v[0])))
		return nil
	}, params(cols)...)
	err := pipe.Run(ctx)
	if err == nil {
		err = counted(f.stmts.places.Name, len(ops), len(taken))
	}
	for i := range taken {
		if taken[i] >= ops[i].Places {
			t.full = append(t.full, ops[i].Collection)
		}
	}
	f.answers.taken = taken
	return taken, err
}
