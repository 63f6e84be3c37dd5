package simtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/twmb/franz-go/pkg/kadm"
)

// setCalm tells connections, which the broker may still write to.
func (w *World) setCalm(calm bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calm = calm
}

// settle ends all faults.
func (w *World) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calm = true
	w.trace.note("", "all works from here on")
	for _, s := range w.slots {
		if s.process != nil {
			s.process.stall(0)
		}
	}
}

// drain runs a process until everything is published.
func (w *World) drain(ctx context.Context, what string, slot int) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p := w.start(ctx, slot, 0)
	w.trace.note(p.name, what)
	err := p.run(func(c *pipeline.Config) { c.Drain, c.Tick = true, 0 })
	if err != nil {
		w.fail("%s: %v", what, err)
	} else if ctx.Err() != nil && !w.stuck(ctx) {
		w.fail("%s: not everything is published within %v after the last fault", what, patience)
	}
}

func (w *World) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.trace.note("", "FAILURE "+text)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.failures, text) {
		w.failures = append(w.failures, text)
	}
}

func (w *World) restored() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.restores > 0
}

// within panics if something takes long in calm times: what hangs would keep the
// bubble from ever ending.
func (w *World) within(what string, does func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		does()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		panic(fmt.Sprintf("seed %d: it takes more than %v until %s\n%s\n%s", w.plan.Seed, patience, what, w.plan, w.trace))
	}
}

// stuck reports whether the broker has not ended a rebalance that must have
// ended long ago. It is kfake's fault then: Kafka goes on without those who have
// not joined again within the group's rebalance time-out.
func (w *World) stuck(ctx context.Context) bool {
	group, err := kadm.NewClient(w.cl).DescribeGroups(context.WithoutCancel(ctx), w.cfg.Group)
	stuck := err == nil && group[w.cfg.Group].State == "PreparingRebalance"
	if stuck {
		w.trace.note("", "kfake does not end a rebalance")
		w.mu.Lock()
		w.hung = true
		w.mu.Unlock()
	}
	return stuck
}
