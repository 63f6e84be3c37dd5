package bench

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/feed"
	"github.com/badgestream/badgestream/internal/traffic"
)

// historyPlan is how to compare a user who has done much with one who has done
// little.
type historyPlan struct {
	long, short int64 // how many places each has visited
	blocks      int   // of events of one user; theirs take turns
	block       int   // events in each
}

// measureHistory measures how long one more event takes of a user with a
// million visits, against one with ten.
func measureHistory(ctx context.Context, b *bench, r *Result) error {
	return b.histories(ctx, r, historyPlan{long: 1_000_000, short: 10, blocks: 20, block: 50})
}

// visitor is a user who visits one place after another.
type visitor struct {
	name   string
	visits int64
	// took are the times of events, and cpu is Postgres's CPU time for an event,
	// block by block; both in milliseconds.
	took, cpu []float64
}

// visit is the next one.
func (v *visitor) visit() *kgo.Record {
	v.visits++
	number := strconv.FormatInt(v.visits, 10)
	return feed.Traffic(&traffic.Event{
		ID: v.name + "-" + number, Type: "starview.location.visited", Subject: v.name,
		Time: firstEvent + v.visits*eventStep.Microseconds(), Data: []byte(`{"location":"place-` + number + `"}`),
	})
}

func (b *bench) histories(ctx context.Context, r *Result, plan historyPlan) (err error) {
	// All goes to one partition: with the same worker, the same log and the same
	// duplicate window, the users differ in their histories alone.
	l, err := b.goLive(ctx, "history", 0, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer func() { err = errors.CombineErrors(err, l.close(ctx)) }()
	busy, quiet, err := l.visitors(ctx, plan)
	if err != nil {
		return err
	}
	if err := l.compare(ctx, plan, busy, quiet); err != nil {
		return err
	}
	r.histories(plan, busy, quiet)
	return nil
}

// visitors makes both users, with their histories.
func (l *live) visitors(ctx context.Context, plan historyPlan) (busy, quiet *visitor, err error) {
	began := time.Now()
	busy, quiet = &visitor{name: "busy"}, &visitor{name: "quiet"}
	for busy.visits < plan.long {
		if err := l.write(ctx, busy.visit()); err != nil {
			return nil, nil, err
		}
	}
	for quiet.visits < plan.short {
		if err := l.write(ctx, quiet.visit()); err != nil {
			return nil, nil, err
		}
	}
	if err := l.drain(ctx); err != nil {
		return nil, nil, err
	}
	if err := l.vacuum(ctx); err != nil {
		return nil, nil, err
	}
	l.say("one user has %s visits and another %s: made in %.1f s", grouped(plan.long), grouped(plan.short), time.Since(began).Seconds())
	return busy, quiet, nil
}

// compare lets them take turns, block by block.
func (l *live) compare(ctx context.Context, plan historyPlan, busy, quiet *visitor) (err error) {
	engine, living, err := l.run(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.CombineErrors(err, engine.stop()) }()
	for n := range plan.blocks + 1 {
		order := []*visitor{busy, quiet}
		if n%2 == 1 {
			slices.Reverse(order)
		}
		for _, v := range order {
			if err := l.block(living, v, plan.block); err != nil {
				return err
			}
			if n == 0 { // to warm up
				v.took, v.cpu = nil, nil
			}
		}
	}
	return nil
}

// block lets one visitor make some more visits, each when the one before it
// has had its effect.
func (l *live) block(ctx context.Context, v *visitor, n int) error {
	m := startMeter(l.servers)
	for range n {
		took, err := l.effect(ctx, v.visit(), v.name)
		if err != nil {
			return err
		}
		v.took = append(v.took, took.Seconds()*1e3)
	}
	read := m.stop()
	if cpu, known := read.cpu[rolePostgres]; known {
		v.cpu = append(v.cpu, cpu.Seconds()*1e3/float64(n))
	}
	return nil
}

// histories notes the medians of the events' times, and Postgres's mean CPU
// time per event, whose unit of account is too coarse for a single one.
func (r *Result) histories(plan historyPlan, busy, quiet *visitor) {
	with := grouped(plan.long) + " members"
	base := "a user with " + grouped(plan.short)
	r.against(Figure{
		Measure: "history", Name: "one more event, median", Value: median(busy.took), Unit: "ms", Lower: true, With: with,
		Rounds: blockMedians(busy.took, plan.block), BaseRounds: blockMedians(quiet.took, plan.block),
	}, base, median(quiet.took))
	if len(quiet.cpu) == 0 || mean(quiet.cpu) == 0 {
		return
	}
	r.against(Figure{
		Measure: "history", Name: "one more event, Postgres", Value: mean(busy.cpu), Unit: "CPU ms", Lower: true, With: with,
		Rounds: busy.cpu, BaseRounds: quiet.cpu,
	}, base, mean(quiet.cpu))
}

// blockMedians are the medians of each block of so many values.
func blockMedians(values []float64, size int) []float64 {
	var medians []float64
	for block := range slices.Chunk(values, size) {
		medians = append(medians, median(block))
	}
	return medians
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// vacuum does now what Postgres would do by itself some time after so many
// rows came: in the midst of the measure it would count as somebody's.
func (l *live) vacuum(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, l.Servers.Postgres)
	if err != nil {
		return errors.Wrap(err, "connect to Postgres")
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT format('VACUUM (ANALYZE) %I.%I', schemaname, tablename) FROM pg_tables WHERE starts_with(schemaname, $1)`, l.group)
	if err != nil {
		return errors.Wrap(err, "list the tables in Postgres")
	}
	commands, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return errors.Wrap(err, "list the tables in Postgres")
	}
	for _, sql := range commands {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return errors.Wrap(err, sql)
		}
	}
	return nil
}
