package pipeline

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// engine is what the workers of one process share.
type engine struct {
	cfg Config
	tel *telemetry.Telemetry
	log *slog.Logger
	*Servers
	adm    *kadm.Client
	topics map[string]topic

	mu        sync.Mutex // guards cat and installed: a worker reads them when it is made
	cat       *catalog.Catalog
	installed projections.Installed

	// seen counts users while draining; else it is nil.
	seen *seen

	// presence tells the other processes which Redis this one uses; nil where
	// that is not known. Only keepFresh touches it while the engine runs.
	presence *projections.Presence

	// refreshes holds a request to write all snapshots anew.
	refreshes chan struct{}

	// room is what the batches of all workers may hold.
	room *room

	// first and last are when the first poll began and the last publication
	// ended, in Unix nanoseconds.
	first, last atomic.Int64
}

// Init creates what is missing: topics, schema and the stored catalogue. It
// changes nothing that is there.
func Init(ctx context.Context, cfg Config, cat *catalog.Catalog, log *slog.Logger) error {
	tel := telemetry.Discard()
	tel.Log = log
	e, err := open(ctx, cfg, cat, tel, Connect)
	if err != nil {
		return err
	}
	e.close()
	return nil
}

// Run runs the engine until the context ends or, with Drain, until everything
// that stood in the topics at the start is folded and published. A batch in
// flight is finished first. It returns an error only if going on by itself
// would be of no use.
func Run(ctx context.Context, cfg Config, cat *catalog.Catalog, tel *telemetry.Telemetry) (Summary, error) {
	return run(ctx, cfg, cat, tel, Connect)
}

// RunOn is Run on the servers given, which it closes. Of the configuration, the
// addresses of Postgres and Redis then say nothing.
func RunOn(ctx context.Context, servers *Servers, cfg Config, cat *catalog.Catalog, tel *telemetry.Telemetry) (Summary, error) {
	return run(ctx, cfg, cat, tel, func(context.Context, *Config, *telemetry.Telemetry) (*Servers, error) { return servers, nil })
}

// reach connects to Postgres and Redis.
type reach func(context.Context, *Config, *telemetry.Telemetry) (*Servers, error)

func run(ctx context.Context, cfg Config, cat *catalog.Catalog, tel *telemetry.Telemetry, reach reach) (Summary, error) {
	e, err := open(ctx, cfg, cat, tel, reach)
	if err != nil {
		if ctx.Err() != nil {
			err = nil
		}
		return Summary{}, err
	}
	defer e.close()
	running, stop := context.WithCancel(ctx)
	defer stop()
	group, running := errgroup.WithContext(running)
	for range e.workers() {
		group.Go(func() error { return e.keepWorking(running) })
	}
	group.Go(func() error { return e.keepFresh(running) })
	if r := e.rebuilder(); r != nil {
		group.Go(func() error { return r.Work(running) })
		group.Go(func() error { return e.keepErasing(running) })
	}
	if cfg.Tick > 0 {
		group.Go(func() error { return e.keepTicking(running) })
	}
	if cfg.Drain {
		group.Go(func() error {
			defer stop()
			return e.drained(running)
		})
	}
	err = group.Wait()
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		err = nil
	}
	return e.summary(), err
}

// open connects to all servers and makes the ground ready.
func open(ctx context.Context, cfg Config, cat *catalog.Catalog, tel *telemetry.Telemetry, reach reach) (e *engine, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	e = &engine{cfg: cfg, tel: tel, log: tel.Log, cat: cat, refreshes: make(chan struct{}, 1)}
	e.room = newRoom(e.workers())
	if cfg.Drain {
		e.seen = newSeen()
	}
	defer func(made *engine) {
		if err != nil {
			made.close()
		}
	}(e)
	if e.Servers, err = reach(ctx, &cfg, tel); err != nil {
		return nil, err
	}
	// This client has no logger: what it meets is told once, as an error.
	cl, err := kgo.NewClient(e.isolated()...)
	if err != nil {
		return nil, errors.Wrap(err, "make a Kafka client")
	}
	e.adm = kadm.NewClient(cl)
	if e.topics, err = ensureTopics(ctx, cl, &cfg); err != nil {
		return nil, err
	}
	tel.Health.Ready(telemetry.Kafka)
	if err = e.Store.Migrate(ctx); err != nil {
		return nil, err
	}
	if err = e.bindOutlets(ctx); err != nil {
		return nil, err
	}
	if err = e.announce(ctx); err != nil {
		return nil, err
	}
	if err = e.install(ctx); err != nil {
		return nil, err
	}
	if err = e.snapshotWriter().WriteCatalog(ctx); err != nil {
		return nil, err
	}
	return e, e.seed(ctx)
}

// install makes the catalogue that was given the one that holds, if it may be.
// One that held before a switch, or will hold after one, does not keep a process
// from starting: files follow a switch sooner or later.
func (e *engine) install(ctx context.Context) (err error) {
	e.installed, err = e.Store.InstallCatalog(ctx, e.cat)
	var differ *projections.RulesDiffer
	if !errors.As(err, &differ) || !differ.Known {
		return err
	}
	stored, in, err := e.Store.CurrentCatalog(ctx)
	if err != nil {
		return err
	}
	if e.cat, err = stored.Parse(); err != nil {
		return err
	}
	e.installed = in
	e.log.WarnContext(ctx, "the catalogue that was given is not the one that holds, and is left aside: it held before a switch of generations, or a rebuild folds by it", "version", in.CatalogVersion)
	return nil
}

func (e *engine) close() {
	if e.adm != nil {
		e.adm.Close()
	}
	if e.presence != nil {
		e.presence.Close()
	}
	if e.Servers != nil {
		e.Servers.Close()
	}
}

func (e *engine) workers() int {
	partitions := int(e.topics[e.cfg.ActivityTopic].partitions)
	if e.cfg.Workers > 0 {
		return min(e.cfg.Workers, partitions)
	}
	return min(runtime.GOMAXPROCS(0), partitions)
}

// keepWorking runs one worker after another, until the context ends or an
// error would come again.
func (e *engine) keepWorking(ctx context.Context) error {
	const least, most = 100 * time.Millisecond, 5 * time.Second
	for pause := least; ctx.Err() == nil; {
		began := time.Now()
		err := e.mend(ctx, explain(e.work(ctx)))
		if ctx.Err() != nil {
			return nil //nolint:nilerr // a worker that was asked to stop met what it met
		}
		if err == nil {
			continue
		}
		if Halts(err) {
			return err
		}
		if time.Since(began) > most {
			pause = least
		}
		e.tel.Pipeline.Retry(ctx, reasonOf(err))
		e.tel.Health.NotReady(telemetry.Workers, err.Error())
		e.log.WarnContext(ctx, "a worker gave up and starts again", "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(most, 2*pause)
	}
	return nil
}

func (e *engine) summary() Summary {
	t := e.tel.Pipeline.Totals()
	s := Summary{Events: t.Events, Awarded: t.Awarded, Revoked: t.Revoked, Rejected: t.Rejected, Batches: e.tel.Pipeline.BatchTimes()}
	if e.seen != nil {
		s.Users = e.seen.count()
	}
	if first, last := e.first.Load(), e.last.Load(); first > 0 && last > first {
		s.Seconds = time.Duration(last - first).Seconds()
	}
	return s
}
