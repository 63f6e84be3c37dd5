package suite

import (
	"errors"
	"testing"

	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/simtest/fault"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

func (m *member) writer(expected int64) pipeline.Snapshots {
	m.t.Helper()
	w := m.reach().Snapshots(m.cat, m.in)
	m.must(w.Expect(m.t.Context(), source(0), projections.Position{Offset: expected}))
	return w
}

// shown is the version of a user's snapshot, 0 if there is none.
func shown(t *testing.T, s servers, user string) int64 {
	t.Helper()
	text := s.snapshot(t, user)
	if text == "" {
		return 0
	}
	snapshot, err := schemas.ParseSnapshot([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return snapshot.Version
}

// TestVersionsNeverGoBack writes an older snapshot after a later one.
func TestVersionsNeverGoBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		w := m.writer(0)
		first := m.fold(0, 0, points("u1", 1)).Finals
		older := first[0]
		older.Counters = append([]int64(nil), older.Counters...)
		m.must(w.Write(t.Context(), m.fold(0, 1, points("u1", 1)).Finals))
		older.Held = nil
		first[0] = older
		m.must(w.Write(t.Context(), first))
		if v := shown(t, s, "u1"); v != 2 {
			t.Errorf("version %d", v)
		}
		// A later epoch stands above every version of an earlier one.
		epoch, err := w.NextEpoch(t.Context())
		m.must(err)
		again, err := m.writer(2).NextEpoch(t.Context())
		m.must(err)
		if epoch != 2 || again != 3 {
			t.Errorf("epochs %d and %d", epoch, again)
		}
		m.in.Regime, err = m.store.RaiseEpoch(t.Context(), again)
		m.must(err)
		m.must(m.writer(2).Write(t.Context(), first))
		if v := shown(t, s, "u1"); v != 1 {
			t.Errorf("version %d in the new epoch", v)
		}
	})
}

// TestEpochsOutliveALoss flushes a Redis that drew epochs, and has the last of
// them written there: a database that was restored to before all of them must
// get one above it all the same.
func TestEpochsOutliveALoss(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		restored := m.writer(1) // remembers no epoch but the first
		finals := m.fold(0, 0, points("u1", 1)).Finals
		var err error
		m.in.Regime, err = m.store.RaiseEpoch(t.Context(), 9)
		m.must(err)
		w := m.writer(1)
		m.must(w.Write(t.Context(), finals))
		s.flush(t)
		m.must(w.Write(t.Context(), finals))
		epoch, err := restored.NextEpoch(t.Context())
		m.must(err)
		if epoch != 10 {
			t.Errorf("epoch %d is drawn, and Redis has a snapshot of epoch 9", epoch)
		}
	})
}

// TestLossIsNoticed flushes Redis: each way to look says that it lost something,
// until all is written anew.
func TestLossIsNoticed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		w := m.writer(0)
		m.must(w.WriteCatalog(t.Context()))
		m.must(w.Check(t.Context()))
		out := m.fold(0, 0, points("u1", 1), points("u2", 1))
		m.must(w.Write(t.Context(), out.Finals, out.Ledger...))
		m.must(w.Check(t.Context()))
		s.flush(t)
		needs := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, snapshots.ErrRefreshNeeded) {
				t.Errorf("%s: %v", what, err)
			}
		}
		needs("the writer's look", w.Check(t.Context()))
		needs("another writer's look", m.writer(2).Check(t.Context()))
		out = m.fold(0, 2, points("u2", 1))
		needs("a write", w.Write(t.Context(), out.Finals, out.Ledger...))
		if v := shown(t, s, "u2"); v != 2 {
			t.Errorf("what was written stands at version %d", v)
		}
		out = m.fold(0, 3, points("u2", 1))
		needs("the next write", w.Write(t.Context(), out.Finals, out.Ledger...))
		users, err := w.Refresh(t.Context())
		m.must(err)
		if users != 2 || shown(t, s, "u1") != 1 || shown(t, s, "u2") != 3 {
			t.Errorf("%d users, versions %d and %d", users, shown(t, s, "u1"), shown(t, s, "u2"))
		}
		m.must(w.Check(t.Context()))
		m.must(m.writer(4).Check(t.Context()))
	})
}

// TestBehindIsLost goes back to where less was acknowledged than is published.
func TestBehindIsLost(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		w := m.writer(0)
		out := m.fold(0, 0, points("u1", 1))
		m.must(w.Write(t.Context(), out.Finals, out.Ledger...))
		later := m.writer(2)
		if err := later.Check(t.Context()); !errors.Is(err, snapshots.ErrRefreshNeeded) {
			t.Errorf("a mark behind K: %v", err)
		}
		later.Forget(source(0))
		m.must(later.Check(t.Context()))
		m.must(w.Distrust(t.Context(), source(0), projections.Position{Offset: 1}))
		if err := w.Check(t.Context()); !errors.Is(err, snapshots.ErrRefreshNeeded) {
			t.Errorf("a mark that was taken back: %v", err)
		}
		_, err := w.Refresh(t.Context())
		m.must(err)
		m.must(w.Check(t.Context()))
	})
}

// TestSnapshotFate breaks the connection at a write: an error says that it may
// have been done or not, and the same can be written again.
func TestSnapshotFate(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		w := m.writer(0)
		for i, fate := range []fault.Fate{fault.Unheard, fault.Fails} {
			out := m.fold(0, int64(i), points("u1", 1))
			m.atSnapshots(fate)
			// A client that tries again by itself may hide it.
			if err := w.Write(t.Context(), out.Finals, out.Ledger...); err != nil {
				m.must(w.Write(t.Context(), out.Finals, out.Ledger...))
			}
			if v := shown(t, s, "u1"); v != int64(i+1) {
				t.Errorf("version %d after %d writes", v, i+1)
			}
			m.must(w.Check(t.Context()))
		}
	})
}
