// Package oracle tells whether badgestream kept its promise: it reads the
// activity log, the topics that the engine writes, Postgres and Redis, counts
// the log again by itself, and compares.
//
// It judges the engine, so it shares nothing with it but wire formats and the
// parsed catalogue. `badgestream audit --against-log` runs Audit on production,
// tests run the same, and Watch beside whatever they do to the engine.
//
// # The cut
//
// Engines may run meanwhile. Audit looks in the opposite order to that in
// which the engine writes: first at the committed offsets K, then at the ends
// of the topics, then at Postgres, in one snapshot. So what stands below K must
// be on the topics, up to the ends; what is on the topics must be in that
// snapshot; and the log up to its fold offsets P must give its rows.
//
// # Memory
//
// The users are counted in passes, each of them a range of the hashes under
// which Postgres keeps their rows. A pass holds the state of its users, their
// badge events, and what is everybody's: the duplicate windows, the places
// drawn, and, where badges depend on ages, when everybody is due. Log, ledger
// and history are streamed.
package oracle

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Config is what Audit needs to know. Only servers, group and topics must be
// given.
type Config struct {
	Brokers                                    []string
	Postgres, Redis                            string // URLs
	Group                                      string
	ActivityTopic, AwardTopic, DeadLetterTopic string

	// Settled says that no engine runs, or none has anything left to do: then
	// all is published, nothing lags, and Redis holds the very rows.
	Settled bool
	// Settle is how long whatever takes time may take: the lag to vanish, a
	// snapshot to follow its row, an open Kafka transaction to end. 0 is 60 s.
	Settle time.Duration

	// Passes is how many passes to make; 0 is as many as Memory asks for.
	Passes int
	// Memory is about how many bytes a pass may hold; 0 is 512 MiB.
	Memory int64
	// MaxRate is the most records a second to read from Kafka; 0 is no limit.
	MaxRate int
	// Shown is how many offending records of a check are kept; 0 is 10.
	Shown int

	// State is a file that remembers the passes that are done, and Resume goes
	// on after them. Empty: none.
	State  string
	Resume bool
	// Progress, if set, is told of each pass as it begins and ends.
	Progress func(Progress)
}

// Progress is where an audit stands.
type Progress struct {
	Pass, Passes int // Pass counts from 1
	Done         bool
	Records      int64 // of the log, in all passes so far
}

const (
	defaultSettle = 60 * time.Second
	defaultMemory = 512 << 20
	defaultShown  = 10
	// maxPasses bounds what an absurd Memory would ask for.
	maxPasses = 10_000
)

func (c *Config) controlTopic() string { return c.Group + ".control" }
func (c *Config) ledgerTopic() string  { return c.Group + ".ledger" }

// sources are the topics that are folded.
func (c *Config) sources() []string { return []string{c.ActivityTopic, c.controlTopic()} }

func (c *Config) defaults() {
	if c.Settle == 0 {
		c.Settle = defaultSettle
	}
	if c.Memory == 0 {
		c.Memory = defaultMemory
	}
	if c.Shown == 0 {
		c.Shown = defaultShown
	}
}

// auditor is one audit under way.
type auditor struct {
	cfg      Config
	report   *Report
	adm      *kadm.Client
	pg       *pgx.Conn
	rdb      *redis.Client // nil: snapshots are not looked at
	throttle throttle
	stored   stored
}

// Audit makes all checks. The report says which of them hold; the error, that
// they could not be made.
func Audit(ctx context.Context, cfg Config) (*Report, error) {
	cfg.defaults()
	a := &auditor{cfg: cfg, throttle: throttle{rate: cfg.MaxRate}}
	cl, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		return nil, errors.Wrap(err, "make a Kafka client")
	}
	defer cl.Close()
	a.adm = kadm.NewClient(cl)
	if err := answers(ctx, cl, cfg.Brokers); err != nil {
		return nil, err
	}
	if a.pg, err = connect(ctx, cfg.Postgres); err != nil {
		return nil, err
	}
	defer func() { _ = a.pg.Close(context.WithoutCancel(ctx)) }()
	if cfg.Redis != "" {
		opts, err := redis.ParseURL(cfg.Redis)
		if err != nil {
			return nil, errors.New("the URL of Redis is none of the form redis://USER:PASSWORD@HOST:PORT/DATABASE")
		}
		a.rdb = redis.NewClient(opts)
		defer a.rdb.Close()
		if err := a.rdb.Ping(ctx).Err(); err != nil {
			return nil, errors.Wrapf(err, "Redis does not answer at %s: start it, or set --redis", opts.Addr)
		}
	}
	if err := a.run(ctx); err != nil {
		return nil, errors.Wrapf(err, "audit group %s", cfg.Group)
	}
	return a.report, nil
}

func (a *auditor) run(ctx context.Context) (err error) {
	if a.stored, err = readStored(ctx, a.pg, a.cfg.Group); err != nil {
		return err
	}
	passes, err := a.passes(ctx)
	if err != nil {
		return err
	}
	report, done, err := a.begin(passes)
	if err != nil {
		return err
	}
	a.report = report
	if a.cfg.Settled {
		if err := a.awaitDrained(ctx); err != nil {
			return err
		}
	}
	for n := done; n < a.report.Passes; n++ {
		a.tell(n, false)
		if err := a.pass(ctx, n); err != nil {
			return errors.Wrapf(err, "pass %d of %d", n+1, a.report.Passes)
		}
		if err := a.remember(n + 1); err != nil {
			return err
		}
		a.tell(n, true)
	}
	return nil
}

func (a *auditor) tell(n int, done bool) {
	if a.cfg.Progress != nil {
		a.cfg.Progress(Progress{Pass: n + 1, Passes: a.report.Passes, Done: done, Records: a.report.Records})
	}
}

// heldPerByte is about how many bytes of memory the state of a pass takes for
// each byte that the rows take in Postgres, indexes left out.
const heldPerByte = 3

// passes is how many passes the memory asks for.
func (a *auditor) passes(ctx context.Context) (int, error) {
	if a.cfg.Passes > 0 {
		return min(a.cfg.Passes, maxPasses), nil
	}
	var bytes int64
	gen := a.stored.generationSchema()
	if err := a.pg.QueryRow(ctx, `SELECT coalesce(sum(pg_relation_size(c.oid)), 0)::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname IN ('users', 'member', 'entity') OR n.nspname = $2 AND c.relname = 'history'`, gen, a.cfg.Group).Scan(&bytes); err != nil {
		return 0, errors.Wrap(err, "ask Postgres how large its tables are")
	}
	return int(min(1+bytes*heldPerByte/a.cfg.Memory, maxPasses)), nil
}
