package memstore

import (
	"context"
	"slices"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/simtest/fault"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
)

// Folder is projections.Folder: it keeps its session for as long as all goes
// well.
type Folder struct {
	store *Store
	in    projections.Installed
	cat   *catalog.Catalog

	session *session
	end     func()
}

// NewFolder is projections.Store.NewFolder.
func (s *Store) NewFolder(in projections.Installed, cat *catalog.Catalog, _ string) pipeline.Folder {
	return &Folder{store: s, in: in, cat: cat}
}

// Connect is projections.Folder.Connect.
func (f *Folder) Connect(ctx context.Context) error {
	if f.session != nil {
		return nil
	}
	if f.store.send(ctx, "connect") != fault.Works {
		return errors.Wrap(fault.ErrBroken, "connect")
	}
	f.session, f.end = f.store.session()
	return nil
}

// Check is projections.Folder.Check.
func (f *Folder) Check(ctx context.Context) error {
	if f.session == nil || f.store.send(ctx, "check") != fault.Works || f.session.ended() {
		f.drop()
		return errors.Wrap(errSession, "ask whether the folding connection still lives")
	}
	return nil
}

// Close ends the session.
func (f *Folder) Close(context.Context) error {
	f.drop()
	return nil
}

func (f *Folder) drop() {
	if f.session != nil {
		f.end()
		f.session = nil
	}
}

// Fold is projections.Folder.Fold.
func (f *Folder) Fold(ctx context.Context, w *projections.Work) (*projections.Outcome, error) {
	w.Batch.Rewind()
	t := &transaction{folder: f, batch: w.Batch, ranges: slices.Clone(w.Ranges), rejects: w.Rejects, reason: w.Reason, number: w.Number,
		users: slices.Sorted(slices.Values(w.Batch.Credited()))}
	t.apply = func(rows *processor.Memory) error { return rows.Fold(w.Batch) }
	return t.run(ctx)
}

// FoldTick is projections.Folder.FoldTick, for ticks of one step.
func (f *Folder) FoldTick(ctx context.Context, w *projections.TickWork) (out *projections.Outcome, done bool, to projections.Position, err error) {
	w.Batch.Reset()
	to = projections.Position{Offset: w.From.Offset + 1}
	if w.To != nil {
		to = *w.To
	}
	if w.From.Step != 0 || to.Step != 0 {
		return nil, false, to, errors.AssertionFailedf("memstore folds a tick in one step")
	}
	p := projections.TopicPartition{Topic: w.Source.Topic, Partition: w.Source.Partition}
	t := &transaction{folder: f, batch: w.Batch, ranges: []projections.Range{{TopicPartition: p, From: w.From, To: to}}, reason: w.Reason, number: w.Number, tick: true}
	t.apply = func(rows *processor.Memory) error {
		if rows.Clock() > w.Source.Time {
			return nil
		}
		if err := rows.Tick(w.Batch, w.Source); err != nil {
			return err
		}
		if n := len(w.Batch.Finals()); n > w.Limit {
			return errors.AssertionFailedf("memstore folds a tick in one step, and %d users are due", n)
		}
		return nil
	}
	out, err = t.run(ctx)
	return out, err == nil, to, err
}

// transaction is one attempt to fold.
type transaction struct {
	folder  *Folder
	session *session
	batch   *processor.Batch
	ranges  []projections.Range
	rejects []projections.Reject
	reason  reason
	number  int64    // of the ledger's row, 0 to draw it
	users   []string // whose rows it locks
	tick    bool     // it has the clock for itself
	apply   func(*processor.Memory) error
}

func (t *transaction) run(ctx context.Context) (*projections.Outcome, error) {
	if t.batch.Catalog() != t.folder.cat {
		return nil, errors.AssertionFailedf("the batch was made for another catalogue than its folder")
	}
	if err := t.folder.Connect(ctx); err != nil {
		return nil, err
	}
	t.session = t.folder.session
	out, err := t.attempt(ctx)
	if err != nil {
		t.folder.drop()
	}
	return out, err
}

func (t *transaction) attempt(ctx context.Context) (*projections.Outcome, error) {
	for _, trip := range []struct {
		name string
		does func(context.Context) error
	}{{"begin", t.open}, {"write rows", t.lockUsers}} {
		if err := t.trip(ctx, trip.name); err != nil {
			return nil, err
		}
		if err := trip.does(ctx); err != nil {
			return nil, t.lost(err)
		}
	}
	return t.commit(ctx)
}

// trip is a round trip before the last one. A transaction that hangs in one is
// ended.
func (t *transaction) trip(ctx context.Context, name string) error {
	idle := time.AfterFunc(idleInTransaction, func() { t.folder.store.server.finish(t.session) })
	defer idle.Stop()
	fate := t.folder.store.send(ctx, name)
	if err := ctx.Err(); err != nil {
		return errors.Wrap(err, name)
	}
	if fate != fault.Works || t.session.ended() {
		return t.lost(errSession)
	}
	return nil
}

// lost says of an error from before COMMIT that nothing took effect, if the
// session is gone.
func (t *transaction) lost(err error) error {
	if errors.Is(err, errSession) {
		return errors.Wrapf(projections.ErrNotCommitted, "%v", err)
	}
	return err
}

// open locks the regime, the fold offsets, in one order everywhere, and the
// clock.
func (t *transaction) open(ctx context.Context) error {
	s := t.folder.store.server
	if err := s.lock(ctx, t.session, "regime", false, lockWait); err != nil {
		return err
	}
	s.mu.Lock()
	found, secret := s.installed.Regime, s.installed.Secret
	s.mu.Unlock()
	if t.folder.in.Secret != secret {
		return errors.AssertionFailedf("the folder would store rows under keys of another secret")
	}
	if found != t.folder.in.Regime {
		return &projections.RegimeChanged{Expected: t.folder.in.Regime, Found: found}
	}
	sorted := slices.Clone(t.ranges)
	slices.SortFunc(sorted, func(a, b projections.Range) int { return order(a.TopicPartition, b.TopicPartition) })
	for _, r := range sorted {
		if err := s.lock(ctx, t.session, "offset/"+name(r.TopicPartition), true, lockWait); err != nil {
			return err
		}
		s.mu.Lock()
		stands, seeded := s.standings[r.TopicPartition]
		s.mu.Unlock()
		if !seeded || comparePositions(stands.Position, r.From) != 0 {
			return errors.Wrapf(projections.ErrStale, "%s from offset %d, step %d", name(r.TopicPartition), r.From.Offset, r.From.Step)
		}
	}
	if !t.tick && !t.folder.cat.HasAgeBadges {
		return nil
	}
	return s.lock(ctx, t.session, "clock", t.tick, lockWait)
}

func (t *transaction) lockUsers(ctx context.Context) error {
	for _, user := range t.users {
		if err := t.folder.store.server.lock(ctx, t.session, "user/"+user, true, lockWait); err != nil {
			return err
		}
	}
	return nil
}
