package projections

import (
	"context"
	"slices"
	"strconv"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
)

// ErrNotBeside says that the generation is not folded beside the live one any
// more: it was cancelled or retired, or it is live now. Nothing was written.
var ErrNotBeside = errors.New("this generation is not folded beside the live one any more")

// BesideFolder folds ranges of the ledger into a generation beside the live
// one. Nobody reads that, and one process at a time writes it: nothing is
// published of it, and its transactions have a place of their own, by
// compare-and-swap, which says how far the generation is. It is used by one
// goroutine. Any error costs it the connection; what became of a COMMIT without
// an answer, the place tells.
type BesideFolder struct {
	folder     *Folder
	group      string
	generation int32
	stands     pgbatch.Statement
	advance    pgbatch.Statement
}

// NewBesideFolder makes a folder for a generation. The catalogue must have the
// generation's rules; version is what its history names. The generation in the
// regime given says nothing: its secret does.
func (s *Store) NewBesideFolder(in Installed, cat *catalog.Catalog, generation, version int32) *BesideFolder {
	in.Generation, in.CatalogVersion, in.Turn = generation, version, 0
	f := s.newFolder(in, cat, "badgestream rebuild")
	base, gen, number := schema(s.group), generationSchema(s.group, generation), strconv.Itoa(int(generation))
	f.stmts.history.SQL = historySQL(gen, generation)
	f.prepares = f.stmts.beside()
	return &BesideFolder{folder: f, group: s.group, generation: generation,
		stands: pgbatch.Statement{Name: "generation", SQL: `SELECT state FROM ` + base + `.generation WHERE generation = ` + number + ` FOR SHARE`},
		advance: pgbatch.Statement{Name: "place", SQL: `UPDATE ` + base + `.generation_offset SET next = $5, step = $6, ordinal = $7
WHERE generation = ` + number + ` AND topic = $1 AND partition = $2 AND next = $3 AND step = $4`},
	}
}

// Close ends the connection.
func (f *BesideFolder) Close(ctx context.Context) error { return f.folder.Close(ctx) }

// BesideTick is a tick, or a step of one, as the generation sees to it.
type BesideTick struct {
	// Source is the tick; nil where the generation's rules see none in the record.
	Source *processor.Source
	Range  Range
	// Limit is how many users the step takes, unless it takes all who are due.
	Limit int
	All   bool
}

// Fold folds the batch's events, which come from the ranges in that order, in
// one transaction, and notes the records among them that the generation's rules
// reject. It returns ErrStale if a range does not begin where the
// generation stands, and ErrNotBeside.
func (f *BesideFolder) Fold(ctx context.Context, b *processor.Batch, ranges []Range, refused []Place) error {
	return f.run(ctx, b, ranges, refused, func(ctx context.Context) error {
		t := &transaction{batch: b}
		pipe := f.folder.conn.Begin()
		if f.folder.cat.HasAgeBadges {
			pipe.Add(f.folder.stmts.readClock, readClock(&t.clock))
		}
		answered := f.folder.addMembers(pipe, b.Members())
		if err := pipe.Run(ctx); err != nil {
			return err
		}
		if err := answered(); err != nil {
			return err
		}
		if err := f.folder.applyStages(ctx, t); err != nil {
			return err
		}
		for _, c := range t.full {
			f.folder.full[c] = true
		}
		return nil
	})
}

// Tick folds a tick or a step of it, in one transaction. The batch must be
// empty. Errors are as Fold's.
func (f *BesideFolder) Tick(ctx context.Context, b *processor.Batch, tick *BesideTick) error {
	b.Reset()
	return f.run(ctx, b, []Range{tick.Range}, nil, func(ctx context.Context) error {
		if tick.Source == nil {
			return nil
		}
		t := &transaction{batch: b}
		pipe := f.folder.conn.Begin()
		if tick.Range.From.Step == 0 {
			pipe.Add(f.folder.stmts.raise, readClock(&t.clock), pgbatch.TimeParam(tick.Source.Time))
		} else {
			pipe.Add(f.folder.stmts.readClock, readClock(&t.clock))
		}
		if err := pipe.Run(ctx); err != nil {
			return err
		}
		limit := tick.Limit
		if tick.All {
			limit = everybody
		}
		due, err := f.folder.findDue(ctx, t, &TickWork{Source: *tick.Source, Limit: limit})
		if err != nil || len(due) == 0 {
			return err
		}
		b.SetClock(t.clock)
		b.AddDue(due, *tick.Source, tick.Range.From.Ordinal)
		return f.folder.userStage(ctx, t, b.Users())
	})
}

const everybody = 1 << 40

// run makes one transaction: the place, the stages, what the batch found.
func (f *BesideFolder) run(ctx context.Context, b *processor.Batch, ranges []Range, refused []Place, stages func(context.Context) error) (err error) {
	if f.folder.cat != b.Catalog() {
		return errors.AssertionFailedf("the batch was made for another catalogue than its folder")
	}
	defer func() {
		if err != nil {
			f.folder.dropConn()
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, f.folder.patience)
	defer cancel()
	if err := f.folder.connect(ctx); err != nil {
		return err
	}
	if err := f.open(ctx, ranges); err != nil {
		return err
	}
	if err := stages(ctx); err != nil {
		return err
	}
	pipe := f.folder.conn.Begin()
	f.folder.addHeld(pipe, b.HeldUpdates())
	f.folder.addByHand(pipe, b.HandUpdates())
	f.folder.addHistory(pipe, &transaction{batch: b, reason: schemas.ReasonActivity})
	f.folder.addRefused(pipe, refused)
	pipe.Add(f.folder.stmts.commit, nil)
	if err := pipe.Run(ctx); err != nil {
		return err
	}
	if tag := pipe.Tag(pipe.Len() - 1); tag != "COMMIT" {
		return errors.AssertionFailedf("commit: Postgres answered %s", tag)
	}
	return nil
}

// open begins the transaction and moves the generation's place on.
func (f *BesideFolder) open(ctx context.Context, ranges []Range) error {
	pipe := f.folder.conn.Begin()
	pipe.Add(f.folder.stmts.begin, nil)
	moved := f.move(pipe, joined(ranges))
	if err := pipe.Run(ctx); err != nil {
		return err
	}
	return moved()
}

// move adds the statements that move the generation's place on, of partitions
// once each. What it returns says, once they are answered, whether they have.
func (f *BesideFolder) move(pipe *pgbatch.Pipe, whole []Range) func() error {
	var state State
	pipe.Add(f.stands, func(v [][]byte) error { state = State(v[0]); return nil }) // as text: binary is the same
	first := pipe.Len()
	for i := range whole {
		r := &whole[i]
		pipe.Add(f.advance, nil, []byte(r.Topic), pgbatch.Int4Param(r.Partition), pgbatch.Int8Param(r.From.Offset), pgbatch.Int8Param(r.From.Step),
			pgbatch.Int8Param(r.To.Offset), pgbatch.Int8Param(r.To.Step), pgbatch.Int8Param(r.To.Ordinal))
	}
	return func() error {
		if !state.Beside() && state != Scratched {
			return errors.Wrapf(ErrNotBeside, "generation %d", f.generation)
		}
		for i := range whole {
			if pipe.Affected(first+i) == 0 {
				return errors.Wrapf(ErrStale, "generation %d, %s/%d from offset %d, step %d", f.generation, whole[i].Topic, whole[i].Partition, whole[i].From.Offset, whole[i].From.Step)
			}
		}
		return nil
	}
}

// joined joins the ranges of each partition, which follow one another.
func joined(ranges []Range) []Range {
	var whole []Range
	for _, r := range ranges {
		at := slices.IndexFunc(whole, func(w Range) bool { return w.TopicPartition == r.TopicPartition })
		if at < 0 {
			whole = append(whole, r)
		} else {
			whole[at].To = r.To
		}
	}
	return whole
}
