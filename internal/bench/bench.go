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
	"strconv"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/traffic"
)

// Config says what to measure. It is one that Check approves of.
type Config struct {
	Servers  Servers
	Workload Workload
	// Measures are those that ParseMeasures gave; none is the drain alone.
	Measures []string
	// Workers and Batch are the engine's settings of these names; 0 is its own
	// choice.
	Workers, Batch int
	// Members is how many rows stand in the member table before the drain of the
	// measures that want many; Badges is the size of a large catalogue.
	Members int64
	Badges  int
	// Program is badgestream's own executable, and Version what it says of itself.
	Program, Version string
	// ProfileDir is where the engine's CPU profiles go, one per drain; empty is
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
	*state
}

// state is what a benchmark has done so far.
type state struct {
	// logs are the workloads that stand in Kafka, by their sameLog.
	logs map[Workload]log
	// warm is set once contenders have warmed the servers up.
	warm bool
}

func newBench(ctx context.Context, cfg Config) (*bench, error) {
	b := &bench{Config: cfg, state: &state{logs: map[Workload]log{}}}
	var err error
	if b.servers, err = b.Servers.identify(ctx); err != nil {
		return nil, err
	}
	b.prefix, err = newPrefix()
	return b, err
}

// with is the same benchmark with something changed in its configuration.
func (b *bench) with(change func(*Config)) *bench {
	other := *b
	change(&other.Config)
	return &other
}

// Run measures. If it is interrupted, or fails, it still removes what it made,
// and gives with the error what was measured until then, if anything was.
func Run(ctx context.Context, cfg Config) (r *Result, err error) {
	chosen, err := choose(cfg.Measures)
	if err != nil {
		return nil, err
	}
	b, err := newBench(ctx, cfg)
	if err != nil {
		return nil, err
	}
	r = &Result{
		Version: b.Version, Started: time.Now().UTC(), Prefix: b.prefix, Machine: thisMachine(), Servers: b.servers, Workload: b.Workload,
		Settings: Settings{Workers: b.Workers, Batch: b.Batch},
	}
	if !b.Servers.Own {
		defer func() { err = errors.CombineErrors(err, b.Servers.sweep(ctx, b.prefix)) }()
	}
	for _, m := range chosen {
		if err := m.run(ctx, b, r); err != nil {
			return r, errors.Wrapf(err, "measure %s", m.name)
		}
		r.Measures = append(r.Measures, m.name)
	}
	return r, nil
}

func (w *Workload) world() traffic.Config {
	return traffic.Config{Seed: w.Seed, Users: w.Users, Skew: w.Skew}
}

// Check says what is wrong, by the names of the command's flags.
func (c *Config) Check() error {
	if err := c.Workload.Check(); err != nil {
		return err
	}
	cat, err := catalog.Load(c.Workload.Catalog)
	switch {
	case err != nil:
		return err
	case c.Members < 1:
		return errors.New("--members must be at least 1")
	case c.Badges < len(cat.Badges):
		return errors.Newf("--badges %d are fewer than the %d of catalogue %s", c.Badges, len(cat.Badges), cat.Name)
	}
	return nil
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

// group is the group of one turn. No group's name begins with another's.
func (b *bench) group(contender string, round int) string {
	return b.prefix + "-" + contender + "-" + strconv.Itoa(round) + "x"
}

// say tells people how far it is.
func (b *bench) say(format string, args ...any) {
	// Who cannot hear it can still read the table.
	_, _ = fmt.Fprintf(b.Log, format+"\n", args...)
}
