package projections

import (
	"context"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/cockroachdb/errors"
)

// FoldTick folds one bounded step of a tick. done says that the tick has no
// further step; to is where the partition stands then. Errors are as Fold's.
//
// A tick that another one overtook finds a later clock than its own time and
// has nothing to do: the later one sees to everybody who is due.
func (f *Folder) FoldTick(ctx context.Context, w *TickWork) (out *Outcome, done bool, to Position, err error) {
	if w.Batch.Catalog() != f.cat {
		return nil, false, Position{}, errors.AssertionFailedf("the batch was made for another catalogue than its folder")
	}
	p := TopicPartition{w.Source.Topic, w.Source.Partition}
	t := &transaction{batch: w.Batch, reason: w.Reason, number: w.Number, move: true, history: f.history, ranges: []Range{{TopicPartition: p, From: w.From, To: w.From}}}
	out, err = f.run(ctx, t, func(ctx context.Context, t *transaction) error { return f.tickStages(ctx, t, w) })
	to = t.ranges[0].To
	return out, err == nil && to.Offset > w.From.Offset, to, err
}

func (f *Folder) tickStages(ctx context.Context, t *transaction, w *TickWork) error {
	t.batch.Reset()
	if err := f.openTick(ctx, t, w); err != nil {
		return err
	}
	due, err := f.findDue(ctx, t, w)
	if err != nil {
		return err
	}
	t.due = int32(len(due))
	if len(due) > 0 {
		t.batch.SetClock(t.clock)
		t.batch.AddDue(due, w.Source, w.From.Ordinal)
		if err := f.userStage(ctx, t, t.batch.Users()); err != nil {
			return err
		}
	}
	to := &t.ranges[0].To
	switch changes := int64(len(t.batch.Changes())); {
	case w.To != nil:
		*to = *w.To
	case len(due) < w.Limit:
		*to = Position{Offset: w.From.Offset + 1}
	default:
		*to = Position{Offset: w.From.Offset, Step: w.From.Step + 1, Ordinal: w.From.Ordinal + changes}
	}
	return nil
}

// openTick begins the transaction: regime, fold offset, the clock, which it has
// for itself. The fold offset moves at the end, when it is known where to.
func (f *Folder) openTick(ctx context.Context, t *transaction, w *TickWork) error {
	pipe := f.conn.Begin()
	var found Regime
	pipe.Add(f.stmts.begin, nil)
	pipe.Add(f.stmts.regime, found.read)
	pipe.Add(f.stmts.standing, t.readXID, []byte(w.Source.Topic), pgbatch.Int4Param(w.Source.Partition),
		pgbatch.Int8Param(w.From.Offset), pgbatch.Int8Param(w.From.Step))
	pipe.Add(f.stmts.alone, nil)
	if w.From.Step == 0 {
		pipe.Add(f.stmts.raise, readClock(&t.clock), pgbatch.TimeParam(w.Source.Time))
	} else {
		pipe.Add(f.stmts.readClock, readClock(&t.clock))
	}
	err := pipe.Run(ctx)
	if err := f.checkRegime(t, found, pipe.Finished() > 1); err != nil {
		return err
	}
	if pipe.Affected(2) == 0 {
		return errors.Wrapf(ErrStale, "%s/%d from offset %d, step %d", w.Source.Topic, w.Source.Partition, w.From.Offset, w.From.Step)
	}
	return err
}

// findDue looks for the users whom the tick makes due, in a statement that
// begins after the clock was raised.
func (f *Folder) findDue(ctx context.Context, t *transaction, w *TickWork) ([]processor.Due, error) {
	if !f.cat.HasAgeBadges || t.clock > w.Source.Time {
		return nil, nil
	}
	var due []processor.Due
	pipe := f.conn.Begin()
	pipe.Add(f.stmts.dueNow, func(v [][]byte) error {
		d := processor.Due{User: string(v[0]), DueAt: pgbatch.ReadTime(v[1]), Counters: make([]int64, 0, len(v)-2)}
		for _, c := range v[2:] {
			d.Counters = append(d.Counters, pgbatch.ReadInt8(c))
		}
		due = append(due, d)
		return nil
	}, pgbatch.TimeParam(t.clock), pgbatch.Int8Param(int64(w.Limit)))
	return due, pipe.Run(ctx)
}

func (f *Folder) addMove(pipe *pgbatch.Pipe, r *Range) {
	pipe.Add(f.stmts.move, nil, []byte(r.Topic), pgbatch.Int4Param(r.Partition),
		pgbatch.Int8Param(r.To.Offset), pgbatch.Int8Param(r.To.Step), pgbatch.Int8Param(r.To.Ordinal))
}
