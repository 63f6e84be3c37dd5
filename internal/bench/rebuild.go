package bench

import (
	"context"
	"path/filepath"
	"strconv"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
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
			if _, err := b.execute(ctx, append([]string{"run", "--drain", "--json"}, settings...)); err != nil {
				return err
			}
			return errors.Wrap(b.vacuum(ctx, b.group(name, round)), "clean up after the drain")
		},
		args:   append([]string{"bench", "rebuild"}, settings...),
		events: b.Workload.Events,
	}
	if b.ProfileDir != "" {
		c.args = append(c.args, "--cpu-profile", filepath.Join(b.ProfileDir, name+"-"+strconv.Itoa(round)+".pprof"))
	}
	return c
}

// vacuum cleans up the tables of a group, which autovacuum would do at some time
// within the next minute, beside whatever is measured then.
func (b *bench) vacuum(ctx context.Context, group string) error {
	conn, err := pgx.Connect(ctx, b.Servers.Postgres)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, `SELECT schemaname, relname FROM pg_stat_user_tables WHERE schemaname IN ($1, $2)`, group, group+"_g1")
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t pgx.Identifier, err error) {
		t = make(pgx.Identifier, 2)
		return t, row.Scan(&t[0], &t[1])
	})
	if err != nil {
		return err
	}
	for _, t := range tables {
		if _, err := conn.Exec(ctx, `VACUUM (ANALYZE) `+t.Sanitize()); err != nil {
			return err
		}
	}
	return nil
}
