package pipeline

import (
	"context"
	"log/slog"
	"time"

	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"
)

// Purposes of locks: one process of the group folds a generation beside the
// live one, and an operator who needs to do so himself asks it to let go.
const (
	rebuildWork     = "rebuild"
	rebuildOperator = "rebuild operator"
)

// Rebuilder folds a generation beside the live one, and answers what operators
// ask about it. Engines have one each; commands make their own, so that nothing
// depends on an engine that runs.
type Rebuilder struct {
	cfg   Config
	log   *slog.Logger
	store *projections.Store
	kafka []kgo.Opt // beside our own
	adm   *kadm.Client
	// snapshots knows Redis; nil in a command, which has none.
	snapshots func() Snapshots
	owns      bool // what must be closed
}

// OpenRebuilder connects to Kafka and Postgres.
func OpenRebuilder(ctx context.Context, cfg Config, log *slog.Logger) (*Rebuilder, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	store, err := projections.Open(ctx, cfg.Postgres, cfg.Group)
	if err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(cfg.isolated()...)
	if err != nil {
		store.Close()
		return nil, errors.Wrap(err, "make a Kafka client")
	}
	r := &Rebuilder{cfg: cfg, log: log, store: store, adm: kadm.NewClient(cl), owns: true}
	if err := checkBroker(ctx, cl, cfg.Brokers); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Close ends the connections.
func (r *Rebuilder) Close() {
	if r.owns {
		r.adm.Close()
		r.store.Close()
	}
}

// rebuilder is the engine's own, nil where the store is not a real one.
func (e *engine) rebuilder() *Rebuilder {
	if e.postgres == nil {
		return nil
	}
	return &Rebuilder{cfg: e.cfg, log: e.log, store: e.postgres, kafka: e.Kafka, adm: e.adm, snapshots: e.snapshotWriter}
}

func (r *Rebuilder) reading() reading {
	return reading{
		control: r.cfg.controlTopic(),
		options: func() []kgo.Opt { return append(r.cfg.isolated(), r.kafka...) },
		link:    func(links []trace.Link, _ []kgo.RecordHeader) []trace.Link { return links },
	}
}

// Work folds whatever generation is beside the live one, for as long as there
// is one and whenever there will be, until the context ends. All processes of
// the group wait for their turn: one does it.
func (r *Rebuilder) Work(ctx context.Context) error {
	for ctx.Err() == nil {
		err := r.store.Alone(ctx, rebuildWork, func() error { return r.work(ctx) })
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was asked to stop
		}
		pause := besidePoll
		if err != nil && !errors.IsAny(err, errLetGo, projections.ErrNotBeside, projections.ErrNoneBeside) {
			r.log.WarnContext(ctx, "folding a generation beside the live one was broken off, and goes on", "error", err)
			pause = time.Second
		}
		wait(ctx, pause)
	}
	return nil
}

const (
	// besideLook is how often it is looked whether a rebuild was asked for, and
	// besidePoll whether the ledger goes on.
	besideLook = time.Second
	besidePoll = 100 * time.Millisecond
	// troubled is how long a generation rests that cannot be folded on.
	troubled = 10 * time.Second
)

// errLetGo says that an operator's process folds from here on.
var errLetGo = errors.New("an operator's process folds this generation for now")

// work folds until an error, or until somebody asks it to let go.
func (r *Rebuilder) work(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := r.letGo(ctx); err != nil {
			return err
		}
		if err := r.store.SweepBases(ctx); err != nil {
			return err
		}
		gen, err := r.store.Beside(ctx)
		if errors.Is(err, projections.ErrNoneBeside) {
			if err := r.store.SweepGenerations(ctx); err != nil {
				return err
			}
			if err := r.refuseSwitches(ctx); err != nil {
				return err
			}
			wait(ctx, besideLook)
			continue
		}
		if err != nil {
			return err
		}
		err = r.keepFolding(ctx, gen)
		if Halts(err) {
			r.log.ErrorContext(ctx, "a generation beside the live one cannot be folded on", "generation", gen.Number, "error", err)
			if err := r.store.ReportTrouble(ctx, gen.Number, err.Error()); err != nil {
				return err
			}
			wait(ctx, troubled)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// letGo returns errLetGo if an operator wants to fold.
func (r *Rebuilder) letGo(ctx context.Context) error {
	asked, err := r.store.Taken(ctx, rebuildOperator)
	if err == nil && asked {
		err = errLetGo
	}
	return err
}

// keepFolding folds a generation on until the context ends.
func (r *Rebuilder) keepFolding(ctx context.Context, gen projections.Generation) (err error) {
	b, err := r.open(ctx, gen)
	if err != nil {
		return err
	}
	defer func() { err = errors.CombineErrors(err, b.close(ctx)) }()
	for ctx.Err() == nil {
		if err := r.letGo(ctx); err != nil {
			return err
		}
		folded, err := b.advance(ctx)
		if err != nil {
			return err
		}
		if folded == 0 {
			if err := b.caughtUp(ctx); err != nil {
				return err
			}
			if err := b.switches(ctx); err != nil {
				return err
			}
			wait(ctx, besidePoll)
		}
	}
	return nil
}

// takeOver folds the generation beside the live one in this process, and calls
// f with it. Engines that fold it let go meanwhile.
func (r *Rebuilder) takeOver(ctx context.Context, f func(*beside) error) error {
	return r.store.Alone(ctx, rebuildOperator, func() error {
		return r.store.Alone(ctx, rebuildWork, func() (err error) {
			gen, err := r.store.Beside(ctx)
			if err != nil {
				return err
			}
			b, err := r.open(ctx, gen)
			if err != nil {
				return err
			}
			defer func() { err = errors.CombineErrors(err, b.close(ctx)) }()
			return f(b)
		})
	})
}

// wait waits for a while, or until the context ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
