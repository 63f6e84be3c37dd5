package drift

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// Config says what to look at.
type Config struct {
	Brokers         []string
	Postgres, Redis string
	Group           string
	// MaxRate is the most users a second to look at; 0 is no limit.
	MaxRate int
	// Settle is how long snapshots may take to follow their rows.
	Settle time.Duration
	// Watch is how long at least something that waits is watched before nobody
	// is said to fold it.
	Watch time.Duration
	// Shown is how many findings of each check are kept.
	Shown int
	// Fix looks what could be mended without the log; with Apply it is.
	Fix, Apply bool
}

// slice is how many users are looked at in one statement.
const slice = 5_000

// audit is one run.
type audit struct {
	cfg    Config
	report *Report
	store  *projections.Store
	rdb    *redis.Client
	cat    *catalog.Catalog
	in     projections.Installed
	drift  *projections.Drift
	keys   map[int64]struct{} // of all users seen
	mu     sync.Mutex         // guards what is found in rows
	// drifted are the users whose rows are amiss, suspects those whose snapshots
	// are.
	drifted  []string
	suspects []suspect
}

// Audit looks at everything, and mends what it is told to mend.
func Audit(ctx context.Context, cfg Config) (*Report, error) {
	began := time.Now()
	a := &audit{cfg: cfg, report: newReport(cfg.Group, cfg.Shown), keys: map[int64]struct{}{}}
	if err := a.open(ctx); err != nil {
		return nil, err
	}
	defer a.close()
	stands, err := a.watch(ctx)
	if err != nil {
		return nil, err
	}
	defer stands.close()
	for _, step := range []func(context.Context) error{a.rows, a.owned, a.tables, a.snapshots, stands.again, stands.types, a.letters, a.fix} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	a.report.Seconds = time.Since(began).Seconds()
	return a.report, nil
}

func (a *audit) open(ctx context.Context) (err error) {
	opts, err := redis.ParseURL(a.cfg.Redis)
	if err != nil {
		return errors.New("the Redis URL cannot be read: it should look like redis://user:password@host:6379/0")
	}
	if a.store, err = projections.Open(ctx, a.cfg.Postgres, a.cfg.Group); err != nil {
		return err
	}
	a.rdb = redis.NewClient(opts)
	if a.cat, a.in, err = a.store.Catalog(ctx); err == nil {
		a.drift, err = a.store.OpenDrift(ctx, a.in, a.cat)
	}
	if err == nil {
		err = errors.Wrapf(a.rdb.Ping(ctx).Err(), "Redis does not answer at %s", opts.Addr)
	}
	if err != nil {
		a.close()
	}
	return err
}

func (a *audit) close() {
	if a.drift != nil {
		a.drift.Close()
	}
	_ = a.rdb.Close() // it was only asked
	a.store.Close()
}

// lookers is how many slices are looked at at the same time.
const lookers = 2

// rows looks at all users, slice by slice.
func (a *audit) rows(ctx context.Context) error {
	free := make(chan *projections.Drift, lookers)
	for range lookers {
		d, err := a.store.OpenDrift(ctx, a.in, a.cat)
		if err != nil {
			return err
		}
		defer d.Close()
		free <- d
	}
	began := time.Now()
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookers)
	for after := ""; ctx.Err() == nil; {
		last, n, keys, err := a.drift.Slice(ctx, after, slice)
		if err != nil {
			return errors.CombineErrors(work.Wait(), err)
		}
		if n == 0 {
			break
		}
		for _, k := range keys {
			a.keys[k] = struct{}{}
		}
		from := after
		work.Go(func() error {
			d := <-free
			defer func() { free <- d }()
			found, err := d.Rows(ctx, from, last)
			a.mu.Lock()
			defer a.mu.Unlock()
			for i := range found {
				a.drifted = append(a.drifted, found[i].User)
				a.row(&found[i])
			}
			return err
		})
		a.report.Users += n
		after = last
		if err := a.pace(ctx, began); err != nil {
			return errors.CombineErrors(work.Wait(), err)
		}
	}
	err := work.Wait()
	slices.Sort(a.drifted)
	for _, name := range []string{CountersFollow, ThingsFollow, BadgesFollow, DecisionsFollowed, HistoryFollowed, DueDates} {
		a.report.Looked(name, a.report.Users)
	}
	return err
}

// pace waits until as much time has gone by as the users seen may take.
func (a *audit) pace(ctx context.Context, began time.Time) error {
	if a.cfg.MaxRate == 0 {
		return nil
	}
	due := began.Add(time.Duration(float64(a.report.Users) / float64(a.cfg.MaxRate) * float64(time.Second)))
	return pause(ctx, time.Until(due))
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// row says what is amiss with a row.
func (a *audit) row(r *projections.DriftRow) {
	for i, want := range r.Expected {
		c := &a.cat.Counters[i]
		switch {
		case want == nil && c.Kind == catalog.Since:
			a.report.Find(CountersFollow, "%q: %s has begun, or has not, and its member says otherwise", r.User, c.Name)
		case want != nil && *want != r.Counters[i]:
			a.report.Find(CountersFollow, "%q: %s is %d, and its members and things add up to %d", r.User, c.Name, r.Counters[i], *want)
		}
	}
	for i, name := range a.drift.Sums {
		if r.Sums[i] != r.MemberSums[i] {
			a.report.Find(ThingsFollow, "%q: %s is %d, and its members add up to %d", r.User, name, r.Sums[i], r.MemberSums[i])
		}
	}
	if held, truly := undecided(ids(r.Held), r.Decided), undecided(r.True, r.Decided); !equal(held, truly) {
		a.report.Find(BadgesFollow, "%q: %v are held, and by the conditions %v", r.User, a.slugs(held), a.slugs(truly))
	}
	if r.HandWrong {
		a.report.Find(DecisionsFollowed, "%q: the row does not have as granted, revoked and pinned what people decided last", r.User)
	}
	switch {
	case !equal(r.Held, r.History):
		a.report.Find(HistoryFollowed, "%q: %v are held, and by the history %v", r.User, a.since(r.Held), a.since(r.History))
	case a.in.Version(r.Version) < r.Changed || r.Version < 1:
		a.report.Find(HistoryFollowed, "%q: the version is %d, and that of the last award or revocation %d", r.User, a.in.Version(r.Version), r.Changed)
	}
	if r.DueWrong {
		a.report.Find(DueDates, "%q: due at %s, and by its ages at %s", r.User, instant(r.DueAt), instant(r.NextDue))
	}
}

func instant(micros int64) string {
	if micros == 0 {
		return "no time"
	}
	return schemas.FormatTime(micros)
}

func ids(held []processor.Held) []int16 {
	list := make([]int16, len(held))
	for i, h := range held {
		list[i] = h.Badge
	}
	return list
}

func (a *audit) slug(id int16) string {
	if int(id) < len(a.cat.ByID) && id >= 0 {
		return a.cat.Badges[a.cat.ByID[id]].Slug
	}
	return "no badge"
}

func (a *audit) slugs(list []int16) []string {
	names := make([]string, len(list))
	for i, id := range list {
		names[i] = a.slug(id)
	}
	return names
}

func (a *audit) since(held []processor.Held) []string {
	names := make([]string, len(held))
	for i, h := range held {
		names[i] = a.slug(h.Badge) + " since " + schemas.FormatTime(h.At)
	}
	return names
}
