package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
)

// act is one thing that is done, to one of the engines or servers.
type act struct {
	after time.Duration // the act before it
	what  string
	whom  int           // which engine
	lasts time.Duration // what does not end at once
}

func (a act) String() string {
	return fmt.Sprintf("%s (engine %d, %v)", a.what, a.whom, a.lasts)
}

// kinds are the acts, each as often as it stands here.
var kinds = []string{ //nolint:gochecknoglobals // a table
	"join", "join", "join", "join", "leave", "leave", "kill", "kill", "kill", "stall", "stall",
	"cut Kafka", "cut Kafka", "cut Postgres", "cut Postgres", "cut Redis", "cut Redis",
	"hang Kafka", "hang Postgres", "hang Redis",
	"kill Postgres", "kill Redis", "kill Kafka",
}

// schedule draws acts. One seed gives one schedule.
type schedule struct{ rng *rand.Rand }

func newSchedule(seed uint64) *schedule { return &schedule{rand.New(rand.NewPCG(seed, 2))} }

func (s *schedule) next() act {
	return act{
		after: time.Duration(500+s.rng.IntN(3_500)) * time.Millisecond,
		what:  kinds[s.rng.IntN(len(kinds))],
		whom:  s.rng.IntN(processes),
		// Sessions and transactions end after about 10 s: some last longer.
		lasts: time.Duration(200+s.rng.ExpFloat64()*5_000) * time.Millisecond,
	}
}

// longest bounds what is drawn from a tail without end.
const longest = 25 * time.Second

// do does it. What lasts goes on beside what comes next, but for servers: one
// at a time is down.
func (r *longrun) do(ctx context.Context, a act) error {
	e, lasts := r.engines[a.whom], min(a.lasts, longest)
	switch a.what {
	case "join":
		for _, e := range r.engines {
			if !e.running() {
				return e.start()
			}
		}
		return nil
	case "leave":
		return e.terminate(ctx)
	case "kill":
		return e.kill()
	case "stall":
		return e.stall(lasts)
	case "cut Kafka":
		e.kafka.Cut()
	case "cut Postgres":
		e.postgres.Cut()
	case "cut Redis":
		e.redis.Cut()
	case "hang Kafka":
		time.AfterFunc(lasts, e.kafka.Stall())
	case "hang Postgres":
		time.AfterFunc(lasts, e.postgres.Stall())
	case "hang Redis":
		time.AfterFunc(lasts, e.redis.Stall())
	case "kill Postgres":
		return again(ctx, r.stack.Postgres)
	case "kill Redis":
		r.watch.LosesRedis() // up to a second of it
		return again(ctx, r.stack.Redis)
	case "kill Kafka":
		r.watch.KillsKafka()
		return again(ctx, r.stack.Kafka)
	default:
		return errors.AssertionFailedf("nobody knows how to %s", a.what)
	}
	return nil
}

type server interface {
	Kill() error
	Start(ctx context.Context) error
}

func again(ctx context.Context, s server) error {
	if err := s.Kill(); err != nil {
		return err
	}
	return s.Start(ctx)
}

// tell prints what was done in all.
func (r *longrun) tell() {
	starts := 0
	for _, e := range r.engines {
		starts += e.starts
	}
	all := 0
	for _, n := range r.faults {
		all += n
	}
	r.say("%d acts, %d starts of engines, %d events in %v", all, starts, r.source.sent.Load(), time.Since(r.began).Round(time.Second))
	for _, what := range slices.Sorted(maps.Keys(r.faults)) {
		r.say("  %3d × %s", r.faults[what], what)
	}
}
