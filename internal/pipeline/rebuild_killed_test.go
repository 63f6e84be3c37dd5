package pipeline_test

import (
	"context"
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/internal/pipeline"
)

func TestRealRebuildKilled(t *testing.T) { t.Parallel(); testRebuildKilled(t, stacktest.Real(t)) }
func TestRebuildKilled(t *testing.T)     { t.Parallel(); testRebuildKilled(t, stacktest.Embedded(t)) }

// testRebuildKilled kills the process that folds a rebuild again and again, and
// then both processes at any moment of a switch, of the way back and of another
// switch. The rebuild must be what it would have been, each switch done once, and
// the oracle agree.
func testRebuildKilled(t *testing.T, stack *stacktest.Stack) {
	mine, other := aged(t), aged(t, "at_least: 5\n", "at_least: 4\n", "at_least: 10\n", "at_least: 12\n")
	c := found(t, stack, mine, 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	records := grouptest.Crowd(t, 53, 150, 9_000)
	c.Config.Batch = 173
	c.Produce(records[:6_000]...)
	c.Drain()
	watch, err := oracle.Watch(ctx, c.AuditConfig(), 20*time.Millisecond)
	c.do("watch", err)
	r := c.rebuilder(ctx)
	_, err = r.Start(ctx, pipeline.Request{MaxRate: 2_000})
	c.do("start a rebuild", err)
	for kill := range int64(4) {
		p := c.process(1, 97)
		c.Until(ctx, "the rebuild gets on", func() bool {
			s, err := r.Status(ctx)
			c.do("ask how far the rebuild is", err)
			return s.Records >= (kill+1)*1_000
		})
		c.kill(p)
	}
	procs := []*exec.Cmd{c.process(2, 97), c.process(1, 61)}
	c.Produce(records[6_000:7_000]...)
	c.followed(ctx, r)
	c.same(ctx, r)
	_, err = r.Cancel(ctx)
	c.do("cancel", err)

	_, err = r.Start(ctx, pipeline.Request{Catalog: other})
	c.do("start a rebuild by other rules", err)
	c.followed(ctx, r)
	rng := rand.New(rand.NewPCG(53, 2))
	for turn := range 3 {
		c.Produce(records[7_000+turn*500 : 7_500+turn*500]...)
		asked := make(chan error, 1)
		go func() {
			_, err := r.Switch(ctx, turn == 1, turn > 0)
			asked <- err
		}()
		for i := range procs {
			c.lasts(ctx, time.Duration(rng.IntN(400))*time.Millisecond)
			c.kill(procs[i])
			procs[i] = c.process(1+i, 61)
		}
		if err := <-asked; err != nil {
			t.Fatal(err)
		}
		c.followed(ctx, r)
	}
	c.Published(ctx, 8_500)
	for _, p := range procs {
		c.kill(p)
	}
	c.Produce(records[8_500:]...)
	c.Drain()
	c.Verify()
	_, err = r.Retire(ctx)
	c.do("retire", err)
	_, err = r.Start(ctx, pipeline.Request{})
	c.do("start a rebuild by the rules that hold", err)
	c.same(ctx, r)
	if report := watch.Stop(); report.Err() != nil {
		t.Errorf("%v\n%s", report.Err(), report)
	}
}
