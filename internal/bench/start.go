package bench

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/badgestream/badgestream/internal/feed"
)

// startPlan is how to measure the time from a start to the first fold.
type startPlan struct {
	rounds int
	rate   int // events per second that come all the time
	folds  int // how often a process folds before it is ended
}

// measureStart measures how long a process takes from its start to its first
// fold, after one that was asked to stop and after one that was killed.
func measureStart(ctx context.Context, b *bench, r *Result) error {
	return b.starts(ctx, r, startPlan{rounds: 5, rate: 5_000, folds: 20})
}

func (b *bench) starts(ctx context.Context, r *Result, plan startPlan) (err error) {
	l, err := b.goLive(ctx, "start", 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.CombineErrors(err, l.close(ctx)) }()
	if b.Members > 0 {
		if err := b.fillMembers(ctx, l.group, b.Members); err != nil {
			return err
		}
	}
	people, err := l.history(ctx)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, b.Servers.Postgres)
	if err != nil {
		return errors.Wrap(err, "connect to Postgres")
	}
	defer conn.Close(ctx)
	// Events come all the time, as they do when a process dies: so each process
	// has work at once, and is killed while it folds.
	passing, enough := context.WithCancel(ctx)
	defer enough()
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error {
		err := l.stream(passing, plan.rate, people)
		if passing.Err() != nil {
			return nil //nolint:nilerr // the last events matter to nobody
		}
		return err
	})
	var stopped, killed []float64
	all.Go(func() (err error) {
		defer enough()
		stopped, killed, err = l.starts(ctx, conn, plan)
		return err
	})
	if err := all.Wait(); err != nil {
		return err
	}
	with := plural(b.Members, "row") + " and " + strconv.Itoa(plan.rate) + " events/s"
	r.starts("a stop", with, stopped)
	r.starts("SIGKILL", with, killed)
	return nil
}

// stream lets events come until the context ends.
func (l *live) stream(ctx context.Context, rate int, people *community) error {
	const forever = 1 << 62
	s := schedule{rate: rate, began: time.Now()}
	_, err := s.keep(ctx, forever, func(int64) error {
		e := people.next()
		return l.write(ctx, feed.Traffic(&e))
	})
	return err
}

// starts starts a process after one that was stopped, kills it, and starts the
// next one, round by round. Times are in seconds.
func (l *live) starts(ctx context.Context, conn *pgx.Conn, plan startPlan) (stopped, killed []float64, err error) {
	// The first process is not measured: servers have their caches to fill.
	for round := range plan.rounds + 1 {
		first, took, err := l.firstFold(ctx, conn, plan.folds)
		if err != nil {
			return nil, nil, err
		}
		if round > 0 {
			stopped = append(stopped, took.Seconds())
		}
		first.kill()
		second, took, err := l.firstFold(ctx, conn, plan.folds)
		if err != nil {
			return nil, nil, err
		}
		if round > 0 {
			killed = append(killed, took.Seconds())
		}
		if err := second.stop(); err != nil {
			return nil, nil, err
		}
	}
	return stopped, killed, nil
}

// starts notes how long it took after one way to end.
func (r *Result) starts(after, with string, seconds []float64) {
	first := Figure{Measure: "start", Unit: "s", Lower: true, With: with}
	middle, longest := first, first
	middle.Name, middle.Value, middle.Rounds = "first fold after "+after+", median", median(seconds), seconds
	longest.Name, longest.Value = "first fold after "+after+", longest", slices.Max(seconds)
	r.add(middle)
	r.add(longest)
}
