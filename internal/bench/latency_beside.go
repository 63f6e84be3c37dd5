package bench

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
)

// measureBeside measures how much later live events show while the engine
// rebuilds a generation beside them.
func measureBeside(ctx context.Context, b *bench, r *Result) error {
	return b.beside(ctx, r, latencyPlan{
		rates: []int{2_000}, warm: 20 * time.Second, counted: 20 * time.Second,
		probes: 100, patience: time.Minute,
	})
}

func (b *bench) beside(ctx context.Context, r *Result, plan latencyPlan) error {
	const measure = "beside"
	for _, rate := range plan.rates {
		alone, err := b.latencyAt(ctx, measure+"-none", plan, rate, nil)
		if err != nil {
			return errors.Wrap(err, "undisturbed")
		}
		var rebuilt rebuilds
		disturbed, err := b.latencyAt(ctx, measure, plan, rate, rebuilt.goOn)
		if err != nil {
			return errors.Wrap(err, "beside a rebuild")
		}
		at := " at " + grouped(int64(rate)) + "/s"
		for _, what := range []struct {
			name         string
			seen, before []time.Duration
		}{{"badge event", disturbed.awards, alone.awards}, {"snapshot", disturbed.snapshots, alone.snapshots}} {
			for _, q := range []quantileName{{"p50", 0.5}, {"p99", 0.99}} {
				now, then := slices.Sorted(slices.Values(disturbed.took(what.seen, plan.warm))), slices.Sorted(slices.Values(alone.took(what.before, plan.warm)))
				r.against(Figure{Measure: measure, Name: what.name + ", " + q.name + at, Value: quantile(now, q.share), Unit: "ms", Lower: true}, "undisturbed", quantile(then, q.share))
			}
		}
		r.add(Figure{Measure: measure, Name: "the rebuild" + at, Value: rebuilt.rate(), Unit: unitRate})
	}
	return nil
}

// rebuilds are those that go on beside something else, one after the other.
type rebuilds struct {
	records int64
	took    time.Duration
}

func (n *rebuilds) rate() float64 { return float64(n.records) / n.took.Seconds() }

// rebuildLook is how often it is looked how far a rebuild is: each look is a
// process, which takes its share of the machine.
const rebuildLook = 2 * time.Second

// goOn has the engine rebuild, and once more as soon as it has caught up, until
// the context ends.
func (n *rebuilds) goOn(ctx context.Context, l *live) error {
	command := func(words ...string) (ended, error) {
		return l.execute(ctx, append(append([]string{"rebuild"}, words...), l.settings()...))
	}
	for ctx.Err() == nil {
		began := time.Now()
		if _, err := command("start"); err != nil && ctx.Err() == nil {
			return err
		}
		records, following := int64(0), false
		for !following && ctx.Err() == nil {
			select {
			case <-time.After(rebuildLook):
			case <-ctx.Done():
				continue
			}
			e, err := command("status", "--json")
			if ctx.Err() != nil {
				continue
			}
			if err != nil {
				return err
			}
			var status struct {
				State   string
				Records int64
			}
			if err := json.Unmarshal(e.out, &status); err != nil {
				return errors.Wrap(err, "read how far the rebuild is")
			}
			following, records = status.State == "following", status.Records
		}
		n.records, n.took = n.records+records, n.took+time.Since(began)
		if !following {
			continue
		}
		if _, err := command("cancel"); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}
