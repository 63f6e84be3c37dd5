package pipeline_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/traffic"
	"github.com/twmb/franz-go/pkg/kgo"
)

// crowd makes events of a few users who credit one another across partitions,
// so that badges come and go with how partitions interleave; some records are
// no events.
func crowd(t *testing.T, seed uint64, users, events int) []*kgo.Record {
	t.Helper()
	world, err := traffic.New(traffic.Config{Seed: seed, Users: users, Skew: 1.1})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	records := make([]*kgo.Record, 0, events)
	for i := range events {
		e := world.Next(1_793_491_200_000_000 + int64(i)*1_000_000)
		r := &kgo.Record{Key: []byte(e.Subject), Value: e.AppendStructured(nil),
			Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json")}}}
		if rng.IntN(100) == 0 {
			r.Value = r.Value[:len(r.Value)/2]
		}
		records = append(records, r)
	}
	return records
}

// engine runs the engine until stop is called, which waits for it.
func (c *community) engine(ctx context.Context, workers, batch int) (stop func()) {
	running, cancel := context.WithCancel(ctx)
	cfg := c.cfg
	cfg.Workers, cfg.Batch = workers, batch
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := pipeline.Run(running, cfg, c.cat, c.telemetry()); err != nil {
			c.t.Errorf("the engine ended: %v", err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

func TestRealParallel(t *testing.T) { t.Parallel(); testParallel(t, stacktest.Real(t)) }
func TestParallel(t *testing.T)     { t.Parallel(); testParallel(t, stacktest.Embedded(t)) }

// testParallel lets several workers of several engines fold, some of which
// come and go, and then wants the ledger, folded one range at a time, to give
// the same history.
func testParallel(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, loadCatalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	records := crowd(t, 7, 150, 12_000)
	first := c.engine(ctx, 2, 97)
	c.produce(records[:3_000]...)
	c.published(ctx, 1_000)
	second := c.engine(ctx, 2, 53)
	c.produce(records[3_000:6_000]...)
	c.published(ctx, 4_000)
	first()
	third := c.engine(ctx, 1, 31)
	c.produce(records[6_000:9_000]...)
	c.published(ctx, 7_000)
	second()
	c.produce(records[9_000:]...)
	c.drain()
	third()
	c.verify()
}
