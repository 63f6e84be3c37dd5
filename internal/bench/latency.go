package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"golang.org/x/sync/errgroup"

	"github.com/badgestream/badgestream/internal/feed"
	"github.com/badgestream/badgestream/internal/traffic"
)

// latencyPlan is how to measure the time from an event to what comes of it.
type latencyPlan struct {
	rates []int // events per second, one after another
	// warm is how long the events come before any is counted.
	warm, counted time.Duration
	probes        int // per second
	patience      time.Duration
}

// measureLatency measures the time from the moment when an event is due to
// the badge event's being visible to a consumer that reads what is committed,
// and to the user's snapshot being readable.
func measureLatency(ctx context.Context, b *bench, r *Result) error {
	return b.latency(ctx, r, latencyPlan{
		rates: []int{2_000, 20_000}, warm: 20 * time.Second, counted: 20 * time.Second,
		probes: 100, patience: time.Minute,
	})
}

func (b *bench) latency(ctx context.Context, r *Result, plan latencyPlan) error {
	for _, rate := range plan.rates {
		w, err := b.latencyAt(ctx, "latency", plan, rate, nil)
		if err != nil {
			return errors.Wrapf(err, "at %s events/s", grouped(int64(rate)))
		}
		w.report(r, plan)
	}
	return nil
}

// latencyAt measures at one rate: the workload is folded, so that there is a
// history, and then goes on at a steady pace, with probes among its events.
// Something else may go on beside it, until its context ends.
func (b *bench) latencyAt(ctx context.Context, name string, plan latencyPlan, rate int, beside func(context.Context, *live) error) (w *watch, err error) {
	l, err := b.goLive(ctx, name, rate)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.CombineErrors(err, l.close(ctx)) }()
	people, err := l.history(ctx)
	if err != nil {
		return nil, err
	}
	engine, living, err := l.run(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.CombineErrors(err, engine.stop()) }()
	first := visit("probe-start", people.at)
	if _, err := l.effect(living, feed.Traffic(&first), first.Subject); err != nil {
		return nil, err
	}
	w = newWatch(plan, rate)
	m := startMeter(b.servers)
	late, err := w.over(living, l, plan, people, beside)
	if err != nil {
		return nil, err
	}
	others := ""
	if read := m.stop(); read.otherCores != nil {
		others = fmt.Sprintf("; other programs kept %.2f cores busy", *read.otherCores)
	}
	b.say("%s events/s for %s: the last probe was seen %.2f s after the beginning; events were sent at most %.1f ms late, which counts as theirs%s",
		grouped(int64(rate)), plan.warm+plan.counted, w.end().Seconds(), late.Seconds()*1e3, others)
	return w, nil
}

// over lets the traffic pass and watches the probes among it. Every probe is
// seen, or it is an error. What goes on beside it is stopped when all are.
func (w *watch) over(ctx context.Context, l *live, plan latencyPlan, people *community, beside func(context.Context, *live) error) (late time.Duration, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, plan.warm+plan.counted+plan.patience,
		errors.Newf("they did not come within %s of the last event", plan.patience))
	defer cancel()
	if beside != nil {
		aside, stop := context.WithCancel(ctx)
		stopped := make(chan error, 1)
		go func() { stopped <- beside(aside, l) }()
		defer func() {
			stop()
			err = errors.CombineErrors(err, <-stopped)
		}()
	}
	w.began = time.Now()
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return w.watchAwards(ctx, l) })
	all.Go(func() error { return w.watchSnapshots(ctx, l) })
	all.Go(func() (err error) {
		late, err = w.keep(ctx, w.events, func(n int64) error {
			var e traffic.Event
			if n%w.every == 0 {
				e = visit(probeName(n/w.every), people.at)
			} else {
				e = people.next()
			}
			return l.write(ctx, feed.Traffic(&e))
		})
		err = errors.CombineErrors(err, l.written(ctx))
		if ctx.Err() != nil {
			return nil //nolint:nilerr // those who watch say what they still wait for
		}
		return err
	})
	return late, all.Wait()
}

// quantileName is a quantile and what it is called.
type quantileName struct {
	name  string
	share float64
}

// report notes the quantiles of the probes that count, in milliseconds, and
// the rate that was kept up.
func (w *watch) report(r *Result, plan latencyPlan) {
	at := " at " + grouped(int64(w.rate)) + "/s"
	for _, what := range []struct {
		name string
		seen []time.Duration
	}{{"badge event", w.awards}, {"snapshot", w.snapshots}} {
		took := w.took(what.seen, plan.warm)
		for _, q := range []quantileName{{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"longest", 1}} {
			f := Figure{Measure: "latency", Name: what.name + ", " + q.name + at, Unit: "ms", Lower: true}
			f.Value = quantile(slices.Sorted(slices.Values(took)), q.share)
			// What it was in each quarter of the time tells the noise.
			for quarter := range slices.Chunk(took, (len(took)+3)/4) {
				f.Rounds = append(f.Rounds, quantile(slices.Sorted(slices.Values(quarter)), q.share))
			}
			r.add(f)
		}
	}
	// With the last probe's own latency it is always a little below the pace. Far
	// below, the engine did not keep up, and what the latencies show is a queue.
	before := int64(len(w.awards)-1) * w.every // the last probe
	r.against(Figure{Measure: "latency", Name: "rate kept up" + at, Value: float64(before) / w.end().Seconds(), Unit: unitRate}, "the pace", float64(w.rate))
}

// took gives how long each probe from some instant on took, in milliseconds.
// It counts from when an event was due: if it was sent late, or if its
// producer had to wait, nothing of that is hidden.
func (w *watch) took(seen []time.Duration, from time.Duration) []float64 {
	var took []float64
	for i, at := range seen {
		if due := w.due(int64(i) * w.every); due >= from {
			took = append(took, (at-due).Seconds()*1e3)
		}
	}
	return took
}

// end is when the last probe was seen.
func (w *watch) end() time.Duration { return max(slices.Max(w.awards), slices.Max(w.snapshots)) }
