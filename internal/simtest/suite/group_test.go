package suite

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/projections"
)

// TestLeases takes the lowest free slots; a process that dies gives its own up,
// and learns of it.
func TestLeases(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		a, b := join(t, s), join(t, s)
		lease, slot, err := a.store.LeaseSlot(t.Context())
		a.must(err)
		other, second, err := b.store.LeaseSlot(t.Context())
		b.must(err)
		if slot != 0 || second != 1 {
			t.Fatalf("slots %d and %d", slot, second)
		}
		b.must(other.Close(t.Context()))
		// The server gives it up when it has read that the connection ends.
		soon(t, "the slot that was given up is free", func() bool {
			again, slot, err := b.store.LeaseSlot(t.Context())
			b.must(err)
			b.must(again.Close(t.Context()))
			return slot == 1
		})
		held := make(chan error, 1)
		go func() { held <- lease.Hold(context.WithoutCancel(t.Context())) }()
		a.dies()
		soon(t, "the dead process's slot is free", func() bool {
			again, slot, err := b.store.LeaseSlot(t.Context())
			b.must(err)
			b.must(again.Close(t.Context()))
			return slot == 0
		})
		if err := <-held; err == nil {
			t.Error("the lease is lost, and nobody says so")
		}
	})
}

// TestAlone lets one process wait for another, also for its death.
func TestAlone(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		a, b := join(t, s), join(t, s)
		inside, leave := make(chan struct{}), make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			ended <- a.store.Alone(t.Context(), "test", func() error { close(inside); <-leave; return nil })
		}()
		<-inside
		b.must(b.store.Alone(t.Context(), "other", func() error { return nil }))
		waits, cancel := context.WithCancel(t.Context())
		cancelled := make(chan error, 1)
		go func() { cancelled <- b.store.Alone(waits, "test", func() error { return nil }) }()
		cancel()
		if err := <-cancelled; err == nil {
			t.Error("two are alone at once")
		}
		// The death of the first gives the turn away, though its f still runs.
		a.dies()
		b.must(b.store.Alone(t.Context(), "test", func() error { return nil }))
		close(leave)
		if err := <-ended; err != nil {
			t.Errorf("what the first did: %v", err)
		}
	})
}

// TestRegime changes the regime: who folds by another one folds nothing.
func TestRegime(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		again, err := m.store.InstallCatalog(t.Context(), m.cat)
		m.must(err)
		if again.New || again.Regime != m.in.Regime || !m.in.New {
			t.Errorf("installed %+v, and again %+v", m.in, again)
		}
		changed := func(what string, folder int64) {
			t.Helper()
			var c *projections.RegimeChanged
			if _, err := m.folder.Fold(t.Context(), m.work(0, folder, points("u1", 1))); !errors.As(err, &c) || c.Expected != m.in.Regime {
				t.Errorf("%s: %v", what, err)
			}
		}
		m.fold(0, 0, points("u1", 1))
		regime, err := m.store.RaiseEpoch(t.Context(), 7)
		m.must(err)
		later, err := m.store.RaiseEpoch(t.Context(), 7)
		m.must(err)
		if regime.Epoch != 7 || later.Epoch != 8 {
			t.Errorf("the epochs are %d and %d", regime.Epoch, later.Epoch)
		}
		regime = later
		changed("another epoch", 1)
		renamed, err := catalog.Parse("renamed.yaml", []byte(strings.Replace(string(m.cat.Text), "name: Collector", "name: Hoarder", 1)))
		m.must(err)
		second, err := m.store.InstallCatalog(t.Context(), renamed)
		m.must(err)
		if !second.New || second.CatalogVersion != 2 || second.Epoch != regime.Epoch {
			t.Errorf("renamed: %+v", second)
		}
		changed("another catalogue", 1)
		stored, now, err := m.store.CurrentCatalog(t.Context())
		m.must(err)
		if stored.Version != 2 || stored.Text != string(renamed.Text) || now.Regime != second.Regime || now.Secret != m.in.Secret {
			t.Errorf("current: version %d under %+v", stored.Version, now.Regime)
		}
		stricter, err := catalog.Parse("stricter.yaml", []byte(strings.Replace(string(m.cat.Text), "at_least: 10000}", "at_least: 20000}", 1)))
		m.must(err)
		var differ *projections.RulesDiffer
		if _, err := m.store.InstallCatalog(t.Context(), stricter); !errors.As(err, &differ) || differ.Stored != 2 || len(differ.Changes) == 0 {
			t.Errorf("stricter: %v", err)
		}
		if v := m.version("u1"); v != 1 {
			t.Errorf("version %d: nothing should have been folded since", v)
		}
	})
}

// TestSeedAndNumber keeps what was seeded, and numbers the ledger as it is told,
// but never from a number that was given.
func TestSeedAndNumber(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		m.fold(0, 0, points("u1", 1))
		standing, seeded, err := m.store.Seed(t.Context(), []projections.Standing{
			{TopicPartition: source(0), TopicID: projections.TopicID{9}, Position: projections.Position{Offset: 7}},
			{TopicPartition: source(9), TopicID: projections.TopicID{9}, Position: projections.Position{Offset: 7}}})
		m.must(err)
		if seeded != 1 || standing[0].Offset != 1 || standing[0].TopicID != (projections.TopicID{1}) || standing[1].Offset != 7 {
			t.Errorf("%d seeded: %+v", seeded, standing)
		}
		all, err := m.store.Positions(t.Context())
		m.must(err)
		none, err := m.store.Positions(t.Context(), "other")
		m.must(err)
		if len(all) != 5 || all[4].Partition != 9 || len(none) != 0 {
			t.Errorf("positions: %+v, and of another topic %+v", all, none)
		}
		m.must(m.store.NumberFrom(t.Context(), 100))
		m.must(m.store.NumberFrom(t.Context(), 50))
		if out := m.fold(0, 1, points("u1", 1)); out.Ledger[0].Number != 100 {
			t.Errorf("number %d", out.Ledger[0].Number)
		}
		rows, err := m.store.LedgerFrom(t.Context(), source(0), projections.Position{Offset: 1}, 1)
		m.must(err)
		if len(rows) != 1 || rows[0].Number != 100 || rows[0].From.Offset != 1 || rows[0].To.Offset != 2 {
			t.Errorf("the ledger from 1: %+v", rows)
		}
		between, err := m.store.LedgerBetween(t.Context(), 1, 101)
		m.must(err)
		if len(between) != 1 || between[0].Number != 100 {
			t.Errorf("the ledger above 1 and below 101: %+v", between)
		}
		users, err := m.store.Users(m.in, m.cat).Of(t.Context(), "u9", "u1")
		m.must(err)
		if len(users) != 1 || users[0].User != "u1" || users[0].Version != 2 {
			t.Errorf("users: %+v", users)
		}
	})
}

// TestFoldedAgain folds ranges under the numbers that they had, of which the
// ledger draws none afterwards. Who folds one that another has folded again
// already changes nothing, and no number either.
func TestFoldedAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		m.must(m.store.NumberFrom(t.Context(), 44))
		for partition, number := range []int64{42, 17} {
			work := m.work(int32(partition), 0, points("u1", 1))
			work.Number = number
			out, err := m.folder.Fold(t.Context(), work)
			m.must(err)
			if out.Ledger[0].Number != number {
				t.Errorf("number %d, and %d was given", out.Ledger[0].Number, number)
			}
		}
		late := m.work(0, 0, points("u1", 1))
		late.Number = 43
		if _, err := m.folder.Fold(t.Context(), late); !errors.Is(err, projections.ErrStale) {
			t.Errorf("a range that was folded: %v", err)
		}
		if out := m.fold(0, 1, points("u1", 1)); out.Ledger[0].Number != 44 {
			t.Errorf("number %d is drawn, and 44 is the next", out.Ledger[0].Number)
		}
		rows, err := m.store.LedgerBetween(t.Context(), 0, 100)
		m.must(err)
		if len(rows) != 3 || rows[0].Number != 17 || rows[1].Number != 42 || rows[2].Number != 44 {
			t.Errorf("the ledger: %+v", rows)
		}
	})
}

// TestOutlets keeps the topics that a group began with.
func TestOutlets(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		first := projections.Outlets{ActivityTopic: "activity", AwardTopic: "badges", AwardTopicID: projections.TopicID{1}, DeadLetterTopic: "dead"}
		for _, asked := range []projections.Outlets{first, {ActivityTopic: "other", AwardTopic: "badges", DeadLetterTopic: "dead"}} {
			bound, err := m.store.BindOutlets(t.Context(), asked)
			m.must(err)
			if bound != first {
				t.Errorf("asked for %+v, bound to %+v", asked, bound)
			}
		}
	})
}

// TestConnectedFolder notices at once that its session has ended, also where it
// has folded nothing yet.
func TestConnectedFolder(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		m.must(m.folder.Connect(t.Context()))
		m.must(m.folder.Check(t.Context()))
		s.restart(t)
		if err := m.folder.Check(t.Context()); err == nil {
			t.Error("the session has ended, and nothing says so")
		}
		m.must(m.folder.Connect(t.Context()))
		s.restart(t)
		if _, err := m.folder.Fold(t.Context(), m.work(0, 0, points("u1", 1))); !errors.Is(err, projections.ErrNotCommitted) {
			t.Errorf("a fold on a session that has ended: %v", err)
		}
	})
}
