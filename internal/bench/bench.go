// Package bench measures the engine on the servers that there are, beside a
// plain consumer that does what a team writes by hand: events per second, CPU
// by process, batch times, memory.
//
// A contender is a command that drains the same topic and reports. Contenders
// take turns, each turn with a group, topics and tables of its own, in an
// order that changes from round to round. All names of a benchmark begin with
// a prefix that no other has, and what bears it is removed afterwards.
package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/traffic"
)

// Config says what to measure. The workload is one that Check approves of.
type Config struct {
	Servers  Servers
	Workload Workload
	// Workers and Batch are the engine's settings of these names; 0 is its own
	// choice.
	Workers, Batch int
	// Program is badgestream's own executable, and Version what it says of itself.
	Program, Version string
	// ProfileDir is where the engine's CPU profiles go, one per round; empty is
	// none. It exists.
	ProfileDir string
	// Log takes a line now and then, and what contenders say on standard error.
	Log io.Writer
}

// bench is one benchmark.
type bench struct {
	Config
	prefix  string
	servers []Server
}

// Run measures. If it is interrupted, or fails, it still removes what it made.
func Run(ctx context.Context, cfg Config) (_ *Result, err error) {
	b := &bench{Config: cfg}
	if b.servers, err = b.Servers.identify(ctx); err != nil {
		return nil, err
	}
	if b.prefix, err = newPrefix(); err != nil {
		return nil, err
	}
	r := &Result{
		Version: b.Version, Started: time.Now().UTC(), Machine: thisMachine(), Servers: b.servers, Workload: b.Workload,
	}
	if !b.Servers.Own {
		defer func() { err = errors.CombineErrors(err, b.Servers.sweep(ctx, b.prefix)) }()
	}
	if r.Turns, err = b.rounds(ctx); err != nil {
		return nil, err
	}
	r.Medians = []Median{summarise(Engine, r.Turns), summarise(Plain, r.Turns)}
	r.Ratio = r.Medians[0].Rate / r.Medians[1].Rate
	return r, nil
}

func (w *Workload) world() traffic.Config {
	return traffic.Config{Seed: w.Seed, Users: w.Users, Skew: w.Skew}
}

// Check says what is wrong with a workload, by the names of the command's
// flags.
func (w *Workload) Check() error {
	switch {
	case w.Events < 1 || w.PlainEvents < 1 || w.Rounds < 1 || w.Partitions < 1:
		return errors.New("--events, --plain-events, --rounds and --partitions must be at least 1")
	case w.PlainEvents > w.Events:
		return errors.Newf("--plain-events %d are more than the %d of --events", w.PlainEvents, w.Events)
	}
	_, err := traffic.New(w.world())
	return err
}

// newPrefix is good in the names of topics, groups, schemas and keys.
func newPrefix() (string, error) {
	var random [5]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", errors.Wrap(err, "make a name")
	}
	return "bench-" + hex.EncodeToString(random[:]), nil
}

func (b *bench) topic() string     { return b.prefix + ".activity" }
func (b *bench) partTopic() string { return b.prefix + ".activity-part" }

// group is the group of one turn. No group's name begins with another's.
func (b *bench) group(contender string, round int) string {
	return b.prefix + "-" + contender + "-" + strconv.Itoa(round) + "x"
}

func (b *bench) rounds(ctx context.Context) ([]Turn, error) {
	// The engine makes the topic, with the settings that it wants.
	if _, err := b.execute(ctx, b.engine(b.group(Engine, 0), 0).setUp); err != nil {
		return nil, err
	}
	if err := b.createPart(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := b.fill(ctx); err != nil {
		return nil, err
	}
	b.say("wrote %s events in %.1f s", grouped(b.Workload.Events), time.Since(began).Seconds())
	var turns []Turn
	// Round 0 does not count: caches fill, and Kafka's Java compiles itself.
	for round := range b.Workload.Rounds + 1 {
		order := []contender{b.engine(b.group(Engine, round), round), b.plain(b.group(Plain, round))}
		if round%2 == 0 {
			slices.Reverse(order)
		}
		for _, c := range order {
			t, err := b.turn(ctx, c, round)
			if err != nil {
				return nil, err
			}
			if round == 0 {
				b.say("warmed up with the %s", c.name)
				continue
			}
			b.say("round %d of %d: %s, %s events in %.2f s, %s/s", round, b.Workload.Rounds, c.name, grouped(t.Events), t.Seconds, grouped(int64(t.Rate)))
			turns = append(turns, t)
		}
	}
	return turns, nil
}

// turn measures one contender, and removes what it made.
func (b *bench) turn(ctx context.Context, c contender, round int) (t Turn, err error) {
	defer func() { err = errors.CombineErrors(err, b.Servers.sweep(ctx, b.group(c.name, round))) }()
	if c.setUp != nil {
		if _, err := b.execute(ctx, c.setUp); err != nil {
			return t, err
		}
	}
	if b.Servers.Own { // somebody else's server has other work to do
		if err := b.Servers.checkpoint(ctx); err != nil {
			return t, err
		}
	}
	m := startMeter(b.servers)
	end, err := b.execute(ctx, c.args)
	if err != nil {
		return t, err
	}
	read := m.stop()
	report, err := end.report()
	if err == nil && (report.Events < c.events || report.Seconds <= 0) {
		err = errors.Newf("it took %d of %d events in %g s", report.Events, c.events, report.Seconds)
	}
	if err != nil {
		return t, errors.Wrapf(err, "the %s in round %d", c.name, round)
	}
	return Turn{Contender: c.name, Round: round, Report: report, Figures: figures(c.name, &report, &end, &read)}, nil
}

func figures(contender string, r *Report, e *ended, read *reading) Figures {
	millions := float64(r.Events) / 1e6
	f := Figures{
		Rate:       float64(r.Events) / r.Seconds,
		CPU:        map[string]float64{contender: e.cpu.Seconds() / millions},
		OtherCores: read.otherCores, PeakMemory: e.peakMemory,
	}
	for name, time := range read.cpu {
		f.CPU[name] = time.Seconds() / millions
	}
	return f
}

// say tells people how far it is.
func (b *bench) say(format string, args ...any) {
	// Who cannot hear it can still read the table.
	_, _ = fmt.Fprintf(b.Log, format+"\n", args...)
}
