package pipeline

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
)

// connectRedis makes the client and asks the server for an answer.
func connectRedis(ctx context.Context, url string) (redis.UniversalClient, error) {
	opts, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.Wrapf(err, "the Redis URL cannot be read: it should look like redis://host:6379/0")
	}
	opts.ReadTimeout, opts.WriteTimeout = 10*time.Second, 10*time.Second
	// Without it, the client's own tries outlast the patience of a caller.
	opts.ContextTimeoutEnabled = true
	rdb := redis.NewClient(opts)
	if err := rdb.Ping(ctx).Err(); err != nil {
		return nil, errors.CombineErrors(errors.Newf("Redis does not answer at %s: start it, or set --redis (%v)", opts.Addr, err), rdb.Close())
	}
	return rdb, nil
}

// writeSnapshots waits until Redis has acknowledged the snapshots. While Redis
// is away the worker waits for it: a badge event must not be seen before the
// progress that it speaks of.
func (w *worker) writeSnapshots(ctx context.Context, finals []processor.Final, from ...projections.LedgerRow) (err error) {
	ctx, span := w.tel.Stage(ctx, telemetry.StageSnapshots)
	defer func() { w.tel.End(span, err) }()
	const least, most = 50 * time.Millisecond, 2 * time.Second
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	for pause := least; ; pause = min(most, 2*pause) {
		err := w.redis.Write(ctx, finals, from...)
		if errors.Is(err, snapshots.ErrRefreshNeeded) {
			w.requestRefresh()
			err = nil
		}
		if err == nil {
			w.tel.Health.Ready(telemetry.Redis)
			w.tel.Pipeline.Snapshots(ctx, len(finals), time.Since(began))
			return nil
		}
		if ctx.Err() != nil {
			return errors.Wrapf(err, "write %d snapshots", len(finals))
		}
		w.tel.Health.NotReady(telemetry.Redis, err.Error())
		w.tel.Pipeline.Retry(ctx, "redis")
		w.log.WarnContext(ctx, "Redis did not take the snapshots, trying again", "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return errors.Wrapf(err, "write %d snapshots", len(finals))
		}
	}
}

// requestRefresh asks for all snapshots to be written anew, once for however
// many requests.
func (e *engine) requestRefresh() {
	select {
	case e.refreshes <- struct{}{}:
	default:
	}
}

// keepFresh writes all snapshots anew whenever a worker, or its own look every
// now and then, finds that Redis lost some.
func (e *engine) keepFresh(ctx context.Context) error {
	look := time.NewTicker(redisLook)
	defer look.Stop()
	for ctx.Err() == nil {
		e.keepPresent(ctx)
		lost, err := e.lost(ctx)
		if err == nil && !lost && e.postgres != nil {
			lost, err = e.postgres.Unshown(ctx)
		}
		if lost {
			err = e.refresh(ctx)
		}
		if err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "the snapshots could not be looked after, trying again", "error", err)
		}
		select {
		case <-e.refreshes:
		case <-look.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// lost reports whether Redis lacks snapshots of what is published.
func (e *engine) lost(ctx context.Context) (bool, error) {
	ks, _, err := committed(ctx, e.adm, e.cfg.Group, e.cfg.sources()...)
	if err != nil {
		return false, err
	}
	w := e.snapshotWriter()
	for p, k := range ks {
		if err := w.Expect(ctx, p, k); err != nil {
			return false, err
		}
	}
	err = w.Check(ctx)
	if errors.Is(err, snapshots.ErrRefreshNeeded) {
		return true, nil
	}
	return false, err
}

// refresh writes all snapshots anew. It follows the regime first: a process
// that has folded nothing since another raised the epoch would write snapshots
// that stand below all others. It looks again afterwards, as it may have waited
// for its turn while that happened.
func (e *engine) refresh(ctx context.Context) error {
	began := time.Now()
	e.log.InfoContext(ctx, "Redis lacks snapshots: all are written anew")
	if _, err := e.follow(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	epoch := e.installed.Epoch
	e.mu.Unlock()
	users, err := e.snapshotWriter().Refresh(ctx)
	if err != nil {
		return err
	}
	if e.postgres != nil {
		if err := e.postgres.Shown(ctx, epoch); err != nil {
			return err
		}
	}
	changed, err := e.follow(ctx)
	if err != nil {
		return err
	}
	if changed {
		return e.refresh(ctx)
	}
	e.tel.Pipeline.Refresh(ctx, int(users), time.Since(began))
	e.log.InfoContext(ctx, "all snapshots are written anew", "users", users, "took", time.Since(began))
	return nil
}

func (e *engine) snapshotWriter() Snapshots {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.Snapshots(e.cat, e.installed)
}
