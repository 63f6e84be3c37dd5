package memstore

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/simtest/fault"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
)

// Store is the database as one process reaches it.
type Store struct {
	server *Server
	link   fault.Link
	dead   chan struct{}
	killed bool // guarded by the server's mu
}

var _ pipeline.Store = (*Store)(nil)

// Connect reaches the server over a network.
func (s *Server) Connect(link fault.Link) *Store {
	return &Store{server: s, link: link, dead: make(chan struct{})}
}

// Kill is the death of the process: its sessions end, with their transactions,
// locks and leases, and nothing that it still tries reaches the server.
func (s *Store) Kill() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if !s.killed {
		s.killed = true
		close(s.dead)
	}
}

// send is one round trip: until it returns, the server has nothing of it. With
// fault.Unheard the caller does what it asks, and then behaves as if it had failed.
func (s *Store) send(ctx context.Context, request string) fault.Fate {
	select {
	case <-s.dead:
		return fault.Fails
	default:
	}
	fate := s.link.Send(ctx, request)
	select {
	case <-s.dead:
		// A request that is out when its process dies may still arrive.
		if fate != fault.Unheard {
			return fault.Fails
		}
	default:
	}
	return fate
}

// query runs f, which reads or writes in one statement, as the only one.
func (s *Store) query(ctx context.Context, request string, f func(*tables) error) error {
	fate := s.send(ctx, request)
	if err := ctx.Err(); err != nil {
		return errors.Wrap(err, request)
	}
	if fate == fault.Fails {
		return errors.Wrap(fault.ErrBroken, request)
	}
	s.server.mu.Lock()
	err := f(&s.server.tables)
	s.server.mu.Unlock()
	if fate == fault.Unheard {
		return errors.Wrap(fault.ErrBroken, request)
	}
	return err
}

// session begins a session that ends with the process.
func (s *Store) session() (c *session, end func()) {
	c = s.server.begin()
	stop := make(chan struct{})
	go func() {
		select {
		case <-s.dead:
			s.server.finish(c)
		case <-stop:
		}
	}()
	return c, func() { close(stop); s.server.finish(c) }
}

// Migrate has nothing to make.
func (s *Store) Migrate(ctx context.Context) error {
	return s.query(ctx, "migrate", func(*tables) error { return nil })
}

// Close ends nothing: folders and leases have sessions of their own.
func (s *Store) Close() {}

// Positions is projections.Store.Positions.
func (s *Store) Positions(ctx context.Context, topics ...string) (list []projections.Standing, err error) {
	err = s.query(ctx, "read the fold offsets", func(t *tables) error {
		for _, st := range t.standings {
			if len(topics) == 0 || slices.Contains(topics, st.Topic) {
				list = append(list, st)
			}
		}
		slices.SortFunc(list, func(a, b projections.Standing) int { return order(a.TopicPartition, b.TopicPartition) })
		return nil
	})
	return list, err
}

// Seed is projections.Store.Seed.
func (s *Store) Seed(ctx context.Context, seeds []projections.Standing) (standing []projections.Standing, seeded int, err error) {
	err = s.query(ctx, "seed", func(t *tables) error {
		for _, seed := range seeds {
			if _, ok := t.standings[seed.TopicPartition]; !ok {
				seed.Position = projections.Position{Offset: seed.Offset}
				t.standings[seed.TopicPartition] = seed
				seeded++
			}
			standing = append(standing, t.standings[seed.TopicPartition])
		}
		return nil
	})
	return standing, seeded, err
}

// HistoryRange is projections.Store.HistoryRange.
func (s *Store) HistoryRange(ctx context.Context, p projections.TopicPartition, from, to projections.Mark, f func(*projections.HistoryRow) error) error {
	var rows []projections.HistoryRow
	err := s.query(ctx, "read the history", func(t *tables) error {
		for _, r := range t.history {
			at := projections.Mark{Offset: r.Offset, Ordinal: r.Ordinal}
			if r.TopicPartition == p && compareMarks(at, from) >= 0 && compareMarks(at, to) < 0 {
				rows = append(rows, r)
			}
		}
		return nil
	})
	slices.SortFunc(rows, func(a, b projections.HistoryRow) int {
		return compareMarks(projections.Mark{Offset: a.Offset, Ordinal: a.Ordinal}, projections.Mark{Offset: b.Offset, Ordinal: b.Ordinal})
	})
	return each(rows, err, f)
}

// Rejects is projections.Store.Rejects.
func (s *Store) Rejects(ctx context.Context, p projections.TopicPartition, from, to int64, f func(*projections.Reject) error) error {
	var rows []projections.Reject
	err := s.query(ctx, "read the rejects", func(t *tables) error {
		for _, r := range t.rejects {
			if r.TopicPartition == p && r.Offset >= from && r.Offset < to {
				rows = append(rows, r)
			}
		}
		return nil
	})
	slices.SortFunc(rows, func(a, b projections.Reject) int { return cmp.Compare(a.Offset, b.Offset) })
	return each(rows, err, f)
}

// Refused is projections.Store.Refused. There is one generation.
func (s *Store) Refused(ctx context.Context, _ int32, p projections.TopicPartition, from, to int64) (list []int64, err error) {
	err = s.Rejects(ctx, p, from, to, func(r *projections.Reject) error {
		list = append(list, r.Offset)
		return nil
	})
	return list, err
}

func each[T any](rows []T, err error, f func(*T) error) error {
	for i := 0; i < len(rows) && err == nil; i++ {
		err = f(&rows[i])
	}
	return err
}

// LedgerFrom is projections.Store.LedgerFrom.
func (s *Store) LedgerFrom(ctx context.Context, p projections.TopicPartition, from projections.Position, limit int) (rows []projections.LedgerRow, err error) {
	err = s.query(ctx, "read the ledger", func(t *tables) error {
		for _, r := range t.ledger {
			if r.TopicPartition == p && comparePositions(r.From, from) >= 0 {
				rows = append(rows, r)
			}
		}
		return nil
	})
	slices.SortFunc(rows, func(a, b projections.LedgerRow) int { return comparePositions(a.From, b.From) })
	return rows[:min(limit, len(rows))], err
}

// LedgerBetween is projections.Store.LedgerBetween.
func (s *Store) LedgerBetween(ctx context.Context, above, below int64) (rows []projections.LedgerRow, err error) {
	err = s.query(ctx, "read the ledger", func(t *tables) error {
		for _, r := range t.ledger {
			if r.Number > above && r.Number < below {
				rows = append(rows, r)
			}
		}
		return nil
	})
	slices.SortFunc(rows, func(a, b projections.LedgerRow) int { return cmp.Compare(a.Number, b.Number) })
	return rows, err
}

// BindOutlets is projections.Store.BindOutlets.
func (s *Store) BindOutlets(ctx context.Context, o projections.Outlets) (bound projections.Outlets, err error) {
	err = s.query(ctx, "bind the topics", func(t *tables) error {
		if t.outlets == (projections.Outlets{}) {
			t.outlets = o
		}
		bound = t.outlets
		return nil
	})
	return bound, err
}

// NumberFrom is projections.Store.NumberFrom.
func (s *Store) NumberFrom(ctx context.Context, n int64) error {
	return s.query(ctx, "number the ledger", func(t *tables) error {
		t.number = max(t.number, n-1)
		return nil
	})
}

// Users is projections.Store.Users.
func (s *Store) Users(projections.Installed, *catalog.Catalog) pipeline.Users { return users{s} }

type users struct{ store *Store }

// Of is projections.Users.Of.
func (u users) Of(ctx context.Context, ids ...string) (list []processor.Final, err error) {
	err = u.store.query(ctx, "read users", func(*tables) error {
		list = u.store.server.finals(func(id string) bool { return slices.Contains(ids, id) })
		return nil
	})
	return list, err
}

// Rows reads the rows of all users, for a refresh of the snapshots.
func (s *Store) Rows(ctx context.Context) (list []processor.Final, err error) {
	err = s.query(ctx, "read all users", func(*tables) error {
		list = s.server.finals(func(string) bool { return true })
		return nil
	})
	return list, err
}

// Alone is projections.Store.Alone: another gets the turn if the session ends,
// which f does not notice.
func (s *Store) Alone(ctx context.Context, purpose string, f func() error) error {
	c, end := s.session()
	defer end()
	if s.send(ctx, "lock "+purpose) != fault.Works {
		return errors.Wrap(fault.ErrBroken, "wait for the lock of the group")
	}
	if err := s.server.lock(ctx, c, "alone/"+purpose, true, 0); err != nil {
		return errors.Wrap(err, "wait for the lock of the group")
	}
	return f()
}

// What the server ends, and how long clients try: as projections has them.
const (
	idleInTransaction = 10 * time.Second
	lockWait          = 10 * time.Second
	settleTime        = 30 * time.Second
	settlePause       = 100 * time.Millisecond
	leasePing         = 2 * time.Second
)

func order(a, b projections.TopicPartition) int {
	return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

func comparePositions(a, b projections.Position) int {
	return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Step, b.Step))
}

func compareMarks(a, b projections.Mark) int {
	return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Ordinal, b.Ordinal))
}

func byUser(a, b processor.Final) int { return strings.Compare(a.User, b.User) }

func copied(f processor.Final) processor.Final {
	f.Counters, f.Held = slices.Clone(f.Counters), slices.Clone(f.Held)
	return f
}
