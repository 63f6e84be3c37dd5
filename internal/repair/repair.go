// Package repair makes what Postgres and Redis have of one user right again,
// from the log: it folds the user's events once more, in the order in which they
// took effect, and compares the rows with what that gives.
package repair

import (
	"context"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/userlog"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
)

// Config says whose rows to look at, and whether to write.
type Config struct {
	Brokers         []string
	Postgres, Redis string
	Group, User     string
	// Apply writes; else nothing is changed.
	Apply bool
	// Settle is how long a snapshot may take to follow its row.
	Settle time.Duration
}

// Result is what was found, and what became of it.
type Result struct {
	Group string `json:"group"`
	User  string `json:"user"`
	// Differences are in what the rows are, or were, not what the log gives.
	Differences []projections.UserDifference `json:"differences"`
	// Snapshot says that the snapshot in Redis is, or was, not the right row's.
	Snapshot bool `json:"snapshot_differs"`
	// Untold are badges of which the history tells otherwise than the log. They
	// are not repaired, nor is anything else then.
	Untold []string `json:"untold"`
	// EpochRaised says that all snapshots are written anew, as a version of the
	// user's went back.
	EpochRaised bool    `json:"epoch_raised"`
	Repaired    bool    `json:"repaired"`
	Records     int64   `json:"records"` // of the log that were read
	Seconds     float64 `json:"seconds"`
	// Waited is for how many seconds folds waited.
	Waited float64 `json:"seconds_waited"`
}

// Right says that there is nothing to repair.
func (r *Result) Right() bool { return len(r.Differences) == 0 && !r.Snapshot && len(r.Untold) == 0 }

// repair is one run.
type repair struct {
	cfg    Config
	store  *projections.Store
	rdb    *redis.Client
	in     projections.Installed
	cat    *catalog.Catalog
	reader *userlog.Reader
	fold   *userlog.Fold
	result *Result
}

// Run looks at a user's rows, and with Apply makes them right. The error says
// why neither can be done.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	began := time.Now()
	r := &repair{cfg: cfg, result: &Result{Group: cfg.Group, User: cfg.User, Differences: []projections.UserDifference{}, Untold: []string{}}}
	opts, err := redis.ParseURL(cfg.Redis)
	if err != nil {
		return nil, errors.New("the Redis URL cannot be read: it should look like redis://user:password@host:6379/0")
	}
	if r.store, err = projections.Open(ctx, cfg.Postgres, cfg.Group); err != nil {
		return nil, err
	}
	defer r.store.Close()
	r.rdb = redis.NewClient(opts)
	defer func() { _ = r.rdb.Close() }() // what was acknowledged is written
	if err := r.run(ctx); err != nil {
		return nil, errors.Wrapf(err, "repair user %q", cfg.User)
	}
	r.result.Records, r.result.Seconds = r.reader.Records, time.Since(began).Seconds()
	return r.result, nil
}

// attempts bounds how often a repair begins anew, as a tick is under way.
const (
	attempts = 100
	pause    = 100 * time.Millisecond
)

var errTicking = errors.New("a tick is under way, and whom it has seen to cannot be told: try again when it is done")

func (r *repair) run(ctx context.Context) (err error) {
	if r.cat, r.in, err = r.store.Catalog(ctx); err != nil {
		return err
	}
	if r.reader, err = userlog.New(r.store, r.cfg.Brokers, r.in, r.cat, r.cfg.User); err != nil {
		return err
	}
	if r.fold, err = r.reader.NewFold(ctx); err != nil {
		return err
	}
	for n := 0; ; n++ {
		err := r.look(ctx)
		if err == nil && r.cfg.Apply && !r.result.Right() {
			err = r.apply(ctx)
		}
		if !errors.Is(err, errTicking) || n == attempts || ctx.Err() != nil {
			return err
		}
		wait(ctx)
	}
}

func wait(ctx context.Context) {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}

// look compares while folds go on: the rows as they are at one moment, with the
// log up to where the fold stands then.
func (r *repair) look(ctx context.Context) error {
	m, err := r.store.UserAt(ctx, r.in, r.cat, r.cfg.User)
	if err != nil {
		return err
	}
	if err := r.compare(ctx, m); err != nil {
		return err
	}
	if len(r.result.Differences) == 0 {
		r.result.Snapshot, err = r.snapshotDiffers(ctx)
	}
	return err
}

// compare folds on to where the rows stand, and says in what they differ.
func (r *repair) compare(ctx context.Context, m *projections.UserMoment) error {
	if slices.ContainsFunc(m.Standing, func(s projections.Standing) bool { return s.Step > 0 }) {
		return errTicking
	}
	list, err := r.reader.Advance(ctx, m.Standing)
	if err != nil {
		return err
	}
	if len(r.reader.Begins) > 0 {
		return errors.Newf("the log has lost its beginning (%v): what the rows should be cannot be told any more", r.reader.Begins)
	}
	if err := r.fold.Add(ctx, list); err != nil {
		return err
	}
	r.fold.Finish()
	want := r.fold.State()
	if !want.Found && !m.State.Found && len(want.Members) == 0 && len(m.State.Members) == 0 {
		return errors.Newf("neither the log nor Postgres knows anything of user %q", r.cfg.User)
	}
	r.result.Differences, r.result.Untold = m.State.Differs(want, r.cat), r.untold(m, want)
	return nil
}

// apply makes the rows right. Most of the log was read before: folds wait for
// what came since, and for the writing.
func (r *repair) apply(ctx context.Context) error {
	was, moved := "", false
	err := r.store.Standstill(ctx, func(ctx context.Context, tx pgx.Tx) error {
		began := time.Now()
		defer func() { r.result.Waited = time.Since(began).Seconds() }()
		m, err := r.store.UserIn(ctx, tx, r.in, r.cat, r.cfg.User)
		if err != nil {
			return err
		}
		if err := r.compare(ctx, m); err != nil || len(r.result.Untold) > 0 {
			return err
		}
		want := r.fold.State()
		if was, err = r.text(ctx); err != nil {
			return err
		}
		if err := r.store.WriteUser(ctx, tx, r.in, r.cat, m.State, want); err != nil {
			return err
		}
		moved = true
		if max(r.in.Version(m.State.Version), r.shown(was)) <= r.in.Version(want.Version) {
			return nil
		}
		// Others have seen a later version: what follows must stand above it.
		least, err := snapshots.NewWriter(r.rdb, r.cfg.Group, r.cat, r.in).NextEpoch(ctx)
		if err == nil {
			r.in.Regime, err = r.store.RaiseEpochIn(ctx, tx, least)
			r.result.EpochRaised = true
		}
		return err
	})
	if err != nil || !moved {
		return err
	}
	r.result.Repaired = true
	return r.rewrite(ctx, was)
}
