// Package simtest runs the whole engine in one process, where time costs
// nothing and a seed decides what goes wrong: franz-go's client and kfake on a
// virtual network, Postgres and Redis in memory behind the engine's own seams,
// all in a bubble of testing/synctest. It is for tests alone.
package simtest

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/simtest/memredis"
	"github.com/badgestream/badgestream/internal/simtest/memstore"
	"github.com/badgestream/badgestream/internal/simtest/virtualnet"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

//go:embed club.yaml
var club []byte

// The servers that can be away.
const (
	kafka    = "Kafka"
	postgres = "Postgres"
	redis    = "Redis"
)

// patience is how long the engine may take, once all works, to publish all.
const patience = 5 * time.Minute

// errNotUp says that a process met a fault before it was up.
var errNotUp = errors.New("a process did not come up")

// World is one simulation.
type World struct {
	Cat      *catalog.Catalog
	Postgres *memstore.Server
	Redis    *memredis.Server

	plan  *Plan
	cfg   pipeline.Config
	net   *virtualnet.Network
	trace *trace
	trip  *traffic
	cl    *kgo.Client // of the tests: nothing goes wrong with it

	mu       sync.Mutex
	calm     bool
	until    map[string]time.Time // when a server is back
	slots    []*slot
	failures []string
	restores int
	hung     bool
}

// slot is a machine: it runs one process after another.
type slot struct {
	process  *process
	stayAway time.Duration // before the next one
}

// Result is what became of a simulation.
type Result struct {
	// Failures are what should not be: none if all is well.
	Failures []string
	// Trace is what happened.
	Trace string
	// Events, Badges and Deaths say how much did.
	Events, Badges, Deaths int
	// Stuck says that the broker hung, and that the processes had to be stopped
	// before the rest was published.
	Stuck bool
}

// Run plays a plan. It must be called in a bubble of testing/synctest.
func Run(ctx context.Context, plan *Plan) (*Result, error) {
	cat, err := catalog.Parse("club.yaml", club)
	if err != nil {
		return nil, err
	}
	w := &World{Cat: cat, Postgres: memstore.NewServer(), Redis: memredis.NewServer(), plan: plan, net: virtualnet.New(),
		trace: &trace{began: time.Now()}, until: map[string]time.Time{}}
	w.cfg = pipeline.Config{Group: "club", ActivityTopic: "activity", AwardTopic: "badges", DeadLetterTopic: "dead", Partitions: plan.Partitions}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(w.net.Listen),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": "8388608"}))
	if err != nil {
		return nil, errors.Wrap(err, "start kfake")
	}
	defer cluster.Close()
	w.cfg.Brokers = cluster.ListenAddrs()
	w.cl, err = kgo.NewClient(kgo.SeedBrokers(w.cfg.Brokers...), kgo.Dialer(w.net.Host(fair{}).DialContext), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return nil, errors.Wrap(err, "make a Kafka client")
	}
	defer w.cl.Close()
	if err := w.play(ctx); err != nil {
		return nil, err
	}
	return w.result(ctx)
}

// fair is weather in which nothing is lost.
type fair struct{}

func (fair) Packet(bool, []byte) (time.Duration, virtualnet.Fate) { return 0, virtualnet.Arrives }

// play lets everything happen: faults until the horizon, then calm, until all
// is published.
func (w *World) play(ctx context.Context) error {
	// The topics are there before anything goes wrong: that an engine makes them
	// is seen elsewhere.
	if err := w.first(ctx); err != nil {
		return err
	}
	stormy, quiet := context.WithTimeout(ctx, w.plan.Horizon)
	defer quiet()
	running, stop := context.WithCancel(ctx)
	defer stop()
	var wg, storm sync.WaitGroup
	for range w.plan.Processes {
		w.slots = append(w.slots, &slot{})
	}
	for i := range w.slots {
		wg.Go(func() { w.supervise(running, i) })
	}
	watching, unwatch := context.WithCancel(ctx)
	defer unwatch()
	var watch sync.WaitGroup
	watch.Go(func() { w.watch(watching) })
	storm.Go(func() { w.produce(stormy) })
	storm.Go(func() { w.act(stormy) })
	storm.Wait()
	<-stormy.Done()
	w.settle()
	w.drain(ctx, "drain beside the others", w.plan.Processes)
	stop()
	w.within("the processes stop", wg.Wait)
	w.drain(ctx, "drain alone", w.plan.Processes+1)
	unwatch()
	watch.Wait()
	return nil
}

// first runs a process on empty topics.
func (w *World) first(ctx context.Context) error {
	w.setCalm(true)
	p := w.start(ctx, 1000, 0)
	err := p.run(func(c *pipeline.Config) { c.Drain, c.Tick = true, 0 })
	w.setCalm(false)
	return errors.Wrap(err, "the first process")
}

// supervise starts a process whenever the one before has ended.
func (w *World) supervise(ctx context.Context, i int) {
	for generation := 0; ctx.Err() == nil; generation++ {
		p := w.start(ctx, i, generation)
		w.mu.Lock()
		w.slots[i].process = p
		w.mu.Unlock()
		w.trace.note(p.name, "starts")
		err := p.run(nil)
		w.trace.note(p.name, fmt.Sprintf("ended: %v", err))
		if err != nil && !errors.Is(err, errNotUp) {
			w.fail("process %s halted: %v", p.name, err)
			return
		}
		w.mu.Lock()
		away := w.slots[i].stayAway
		w.slots[i].stayAway = 0
		w.mu.Unlock()
		sleep(ctx, max(away, 200*time.Millisecond))
	}
}

// produce writes the events, in bursts.
func (w *World) produce(ctx context.Context) {
	rng := rand.New(rand.NewPCG(w.plan.Seed, 1<<40))
	w.trip = &traffic{rng: rng, users: w.plan.Users, partitions: int32(w.plan.Partitions), topic: w.cfg.ActivityTopic, control: w.control(), decisions: w.plan.Decisions}
	for i := range w.Cat.Badges {
		w.trip.badges = append(w.trip.badges, w.Cat.Badges[i].Slug)
	}
	pause := w.plan.Horizon / time.Duration(w.plan.Events)
	for left := w.plan.Events; left > 0; {
		burst := min(left, 1+rng.IntN(20))
		left -= burst
		var records []*kgo.Record
		for range burst {
			records = append(records, w.trip.next(time.Now()))
		}
		if err := w.cl.ProduceSync(context.WithoutCancel(ctx), records...).FirstErr(); err != nil {
			w.fail("produce: %v", err)
		}
		sleep(ctx, time.Duration(float64(burst)*float64(pause)*rng.Float64()*2))
	}
}

// act does what the plan says.
func (w *World) act(ctx context.Context) {
	began := w.trace.began
	backup, replica := w.Postgres.Backup(), w.Redis.Copy()
	for _, a := range w.plan.Acts {
		sleep(ctx, time.Until(began.Add(a.At)))
		w.trace.note("", a.String())
		w.mu.Lock()
		s := w.slots[a.Process]
		p := s.process
		if a.Kind == Kill || a.Kind == Leave {
			s.stayAway = a.For
		}
		w.mu.Unlock()
		if p == nil {
			continue // so early that there is none yet
		}
		switch a.Kind {
		case Kill:
			p.kill()
		case Leave:
			p.cancel()
		case Cut:
			p.host.Cut()
		case Stall:
			p.stall(a.For)
		case KafkaAway:
			w.takeAway(kafka, a.For)
		case PostgresAway:
			w.takeAway(postgres, a.For)
			w.Postgres.Restart()
		case Backup:
			backup = w.Postgres.Backup()
		case PostgresRestore:
			w.mu.Lock()
			w.restores++
			w.mu.Unlock()
			w.Postgres.Restore(backup)
		case RedisAway:
			w.takeAway(redis, a.For)
		case RedisFlush:
			w.Redis.Flush()
		case Replicate:
			replica = w.Redis.Copy()
		case RedisFailOver:
			w.Redis.FailOver(replica)
		}
	}
}

func (w *World) takeAway(server string, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until[server] = time.Now().Add(d)
}

func (w *World) away(server string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.calm && time.Now().Before(w.until[server])
}

func (w *World) faulty() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.calm
}
