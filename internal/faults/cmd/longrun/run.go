package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/badgestream/badgestream/internal/faults/crash"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/cockroachdb/errors"
)

// config says what a long run is.
type config struct {
	seed   uint64
	length time.Duration // of all rounds
	round  time.Duration
	rate   int // events a second
	log    io.Writer
}

const (
	processes  = 3
	group      = "longrun"
	activity   = "activity"
	partitions = "6"
	// converges is how long after the last fault everything may take to be
	// right: the promise for snapshots and lag.
	converges = 60 * time.Second
	// samples is how often what must never go back is looked at.
	samples = 250 * time.Millisecond
)

// longrun is one run under way.
type longrun struct {
	config
	stack   *devstack.Stack
	engines []*engine
	source  *source
	oracle  oracle.Config
	watch   *oracle.Watcher
	began   time.Time
	faults  map[string]int
}

func run(ctx context.Context, cfg config) (err error) {
	dir, err := os.MkdirTemp("", "badgestream-longrun-")
	if err != nil {
		return errors.Wrap(err, "make a directory for the servers")
	}
	defer func() {
		if err == nil {
			err = os.RemoveAll(dir)
			return
		}
		err = errors.Wrapf(err, "a run whose logs are in %s", dir)
	}()
	binary, err := crash.Build(ctx, dir)
	if err != nil {
		return err
	}
	r := &longrun{config: cfg, began: time.Now(), faults: map[string]int{}}
	if r.stack, err = devstack.StartAll(ctx, devstack.Options{Dir: filepath.Join(dir, "servers"), Real: true, KafkaHeap: "512m"}); err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		err = errors.CombineErrors(err, r.stack.Stop(stopping))
	}()
	r.oracle = oracle.Config{Brokers: r.stack.Brokers, Postgres: r.stack.PostgresURL, Redis: r.stack.RedisURL,
		Group: group, ActivityTopic: activity, AwardTopic: "badges", DeadLetterTopic: "activity.dead-letter"}
	for n := range processes {
		e, err := newEngine(ctx, binary, filepath.Join(dir, fmt.Sprintf("engine-%d.log", n)), r.stack)
		if err != nil {
			return err
		}
		defer e.close()
		r.engines = append(r.engines, e)
	}
	return r.rounds(ctx)
}

// rounds lets everything happen, a round after the other.
func (r *longrun) rounds(ctx context.Context) (err error) {
	r.say("seed %d, %v in rounds of %v, %d events a second", r.seed, r.length, r.round, r.rate)
	if err := r.engines[0].init(ctx); err != nil {
		return err
	}
	if r.source, err = newSource(r.seed, r.rate, r.stack.Brokers); err != nil {
		return err
	}
	defer r.source.close()
	if r.watch, err = oracle.Watch(ctx, r.oracle, samples); err != nil {
		return err
	}
	var failed error
	draw := newSchedule(r.seed)
	for n := 1; failed == nil && time.Since(r.began) < r.length; n++ {
		if failed = r.trouble(ctx, draw); failed == nil {
			failed = r.rest(ctx)
		}
		r.say("round %d is over: %d events so far", n, r.source.sent.Load())
	}
	seen := r.watch.Stop()
	r.say("what was sampled:\n%s", seen)
	r.tell()
	return errors.CombineErrors(failed, seen.Err())
}

// trouble has all engines run, events flow and faults happen for one round.
func (r *longrun) trouble(ctx context.Context, draw *schedule) error {
	flow, stop := context.WithCancel(ctx)
	flowing := make(chan error, 1)
	go func() { flowing <- r.source.flow(flow) }()
	defer stop()
	for _, e := range r.engines {
		if err := e.start(); err != nil {
			return err
		}
	}
	for until := time.Now().Add(min(r.round, r.length-time.Since(r.began))); time.Now().Before(until); {
		act := draw.next()
		if err := wait(ctx, act.after); err != nil {
			return err
		}
		r.say("%s", act)
		r.faults[act.what]++
		if err := r.do(ctx, act); err != nil {
			return errors.Wrapf(err, "%s", act)
		}
	}
	stop()
	return <-flowing
}

// rest has everything run again and nothing happen, until all that must be
// right is: at most converges later.
func (r *longrun) rest(ctx context.Context) error {
	settled := r.oracle
	settled.Settled, settled.Settle = true, time.Second
	for quiet := time.Now(); ; {
		for _, e := range r.engines {
			if err := e.start(); err != nil {
				return err
			}
		}
		report, err := oracle.Audit(ctx, settled)
		if err == nil {
			err = report.Err()
		}
		switch {
		case err == nil:
			r.watch.Rested()
			r.say("all is right %v after the last fault: %d users, %d awards and revocations", time.Since(quiet).Round(100*time.Millisecond), report.Users, report.Changes)
			return nil
		case time.Since(quiet) > converges:
			if report != nil {
				r.say("%v after the last fault not all is right:\n%s", converges, report)
			}
			return errors.Wrapf(err, "audit %v after the last fault", converges)
		}
		if err := wait(ctx, time.Second); err != nil {
			return err
		}
	}
}

// say prints what happens, and when.
func (r *longrun) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.log, "%8.1f s  %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
