package bench

import (
	"context"
	"path/filepath"
	"strconv"
)

// measureRebuild folds again what is folded already, beside the drain that
// folded it the first time: the same events in the same topic. Nothing live is
// folded meanwhile.
func measureRebuild(ctx context.Context, b *bench, r *Result) error {
	const rebuild, run = "rebuild", "rebuild-" + Engine
	l, err := b.log(ctx)
	if err != nil {
		return err
	}
	turns, err := b.alternate(ctx, b.Workload.Rounds,
		func(round int) contender { return b.rebuild(rebuild, l.whole, round) },
		func(round int) contender { return b.engine(run, l.whole, round) })
	if err != nil {
		return err
	}
	r.drained(rebuild, "", turns, rebuild, run, "the drain of run")
	peak, base := summarise(rebuild, turns).PeakMemory, summarise(run, turns).PeakMemory
	if peak != nil && base != nil {
		r.against(Figure{Measure: rebuild, Name: "peak memory", Value: float64(*peak) / (1 << 20), Unit: "MiB", Lower: true}, "the drain of run", float64(*base)/(1<<20))
	}
	return nil
}

// rebuild is a rebuild of a group that has drained the topic, by a process of
// its own, from the request until it has caught up.
func (b *bench) rebuild(name, topic string, round int) contender {
	settings := b.settings(b.group(name, round), topic)
	c := contender{
		name:  name,
		setUp: append([]string{"init"}, settings...),
		prepare: func(ctx context.Context) error {
			_, err := b.execute(ctx, append([]string{"run", "--drain", "--json"}, settings...))
			return err
		},
		args:   append([]string{"bench", "rebuild"}, settings...),
		events: b.Workload.Events,
	}
	if b.ProfileDir != "" {
		c.args = append(c.args, "--cpu-profile", filepath.Join(b.ProfileDir, name+"-"+strconv.Itoa(round)+".pprof"))
	}
	return c
}
