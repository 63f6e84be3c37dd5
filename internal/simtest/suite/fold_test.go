package suite

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/badgestream/badgestream/internal/simtest/fault"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// TestStale folds work that somebody folded already: nothing changes, also not
// in a partition that stands where it should.
func TestStale(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		m.fold(0, 0, points("u1", 10), points("u1", 10))
		work := m.work(0, 0, points("u1", 10))
		m.add(work.Batch, processor.NewWindow(10), 1, 0, []event{points("u1", 10)})
		work.Ranges = append(work.Ranges, projections.Range{TopicPartition: source(1), To: projections.Position{Offset: 1}})
		if _, err := m.folder.Fold(t.Context(), work); !errors.Is(err, projections.ErrStale) {
			t.Fatalf("the error is %v", err)
		}
		if v, a, b := m.version("u1"), m.stands(0), m.stands(1); v != 2 || a.Offset != 2 || b.Offset != 0 {
			t.Errorf("version %d, partitions at %v and %v", v, a, b)
		}
		m.fold(0, 2, points("u1", 10))
		if v := m.version("u1"); v != 3 {
			t.Errorf("version %d after the right range", v)
		}
	})
}

// TestCommitFate breaks the connection at COMMIT: the folder says what really
// happened.
func TestCommitFate(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		work := m.work(0, 0, points("u1", 150))
		m.atCommit(fault.Fails, nil)
		if _, err := m.folder.Fold(t.Context(), work); !errors.Is(err, projections.ErrNotCommitted) {
			t.Fatalf("cut before: the error is %v", err)
		}
		if v, p := m.version("u1"), m.stands(0); v != 0 || p.Offset != 0 || len(m.ledger(0)) != 0 {
			t.Errorf("cut before: version %d, at %v, ledger %v", v, p, m.ledger(0))
		}
		m.atCommit(fault.Unheard, nil)
		out, err := m.folder.Fold(t.Context(), work)
		if err != nil {
			t.Fatalf("reply lost: %v", err)
		}
		if len(out.Ledger) != 1 || len(out.History) != 1 || len(out.Finals) != 1 || out.Finals[0].Version != 1 {
			t.Errorf("reply lost: the outcome is %+v", out)
		}
		if rows := m.ledger(0); len(rows) != 1 || rows[0] != out.Ledger[0] {
			t.Errorf("the ledger is %v, and the outcome said %v", rows, out.Ledger)
		}
		if rows := m.history(0, projections.Mark{}, projections.Mark{Offset: 1}); len(rows) != 1 || rows[0].Badge != out.History[0].Badge {
			t.Errorf("the history is %v, and the outcome said %v", rows, out.History)
		}
		m.fold(0, 1, points("u1", 1))
	})
}

// TestSameUserWaits lets a fold wait for one that has the same user's row and is
// held at its COMMIT.
func TestSameUserWaits(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		a, b, c := join(t, s), join(t, s), join(t, s)
		arrived, release := make(chan struct{}), make(chan struct{})
		a.atCommit(fault.Works, func() { close(arrived); <-release })
		var outA, outB *projections.Outcome
		var wg sync.WaitGroup
		wg.Go(func() { outA = a.fold(0, 0, points("u1", 10)) })
		<-arrived
		folded := make(chan struct{})
		wg.Go(func() { defer close(folded); outB = b.fold(1, 0, points("u1", 10)) })
		c.fold(2, 0, points("u2", 10)) // who has no common row goes on
		select {
		case <-folded:
			t.Error("the second fold did not wait for the first")
		default:
		}
		close(release)
		wg.Wait()
		if outA.Ledger[0].Number >= outB.Ledger[0].Number || outA.Finals[0].Version != 1 || outB.Finals[0].Version != 2 {
			t.Errorf("numbers %d and %d, versions %d and %d", outA.Ledger[0].Number, outB.Ledger[0].Number, outA.Finals[0].Version, outB.Finals[0].Version)
		}
	})
}

// TestNumbersAreTheOrder lets several processes credit one user: in the order of
// the ledger's numbers, his version rises without a gap.
func TestNumbersAreTheOrder(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		const each = 15
		var mu sync.Mutex
		var wg sync.WaitGroup
		var seen []struct{ number, version int64 }
		for p := range int32(4) {
			m := join(t, s)
			wg.Go(func() {
				for i := range int64(each) {
					out := m.fold(p, i, points("u1", 1))
					mu.Lock()
					seen = append(seen, struct{ number, version int64 }{out.Ledger[0].Number, out.Finals[0].Version})
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.SortFunc(seen, func(a, b struct{ number, version int64 }) int { return cmp.Compare(a.number, b.number) })
		for i, x := range seen {
			if x.version != int64(i+1) {
				t.Fatalf("place %d in the ledger, number %d, made version %d", i+1, x.number, x.version)
			}
		}
		if len(seen) != 4*each {
			t.Errorf("%d folds", len(seen))
		}
	})
}

// TestRejectsAndHistory reads ranges back as they were written.
func TestRejectsAndHistory(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		work := m.work(0, 0, points("u2", 150), points("u1", 600), event{"stride.points.spent", "u1", `{"points":550}`})
		work.Rejects = []projections.Reject{
			{TopicPartition: source(0), Offset: 3, Reason: schemas.ReasonMalformed, Detail: "bad \x00\xff", Key: nil, Value: []byte{}, Timestamp: 5},
			{TopicPartition: source(0), Offset: 4, Reason: schemas.ReasonAttribute, Key: []byte("k"), Value: nil, Headers: []schemas.Header{{Key: "h"}, {Key: "i", Value: []byte{0}}}},
		}
		work.Ranges[0].To.Offset = 5
		out, err := m.folder.Fold(t.Context(), work)
		m.must(err)
		all := m.history(0, projections.Mark{}, projections.Mark{Offset: 5})
		if len(all) != 5 || len(out.History) != len(all) {
			t.Fatalf("the history is %v", all)
		}
		for i := range all {
			if !same(all[i], out.History[i]) {
				t.Errorf("stored %+v\n  told %+v", all[i], out.History[i])
			}
		}
		if rows := m.history(0, projections.Mark{Offset: 1, Ordinal: 1}, projections.Mark{Offset: 2}); len(rows) != 1 || rows[0].Ordinal != 1 || rows[0].Badge != "treasurer" {
			t.Errorf("from the second change of offset 1: %v", rows)
		}
		var rejects []projections.Reject
		m.must(m.store.Rejects(t.Context(), source(0), 3, 5, func(r *projections.Reject) error { rejects = append(rejects, *r); return nil }))
		if len(rejects) != 2 || rejects[0].Detail != "bad \uFFFD\uFFFD" || rejects[0].Key != nil || rejects[0].Value == nil || rejects[0].Timestamp != 5 ||
			rejects[1].Value != nil || len(rejects[1].Headers) != 2 || rejects[1].Headers[0].Value != nil || string(rejects[1].Headers[1].Value) != "\x00" {
			t.Errorf("the rejects are %+v", rejects)
		}
	})
}

func same(a, b projections.HistoryRow) bool {
	if !slices.Equal(a.Counters, b.Counters) {
		return false
	}
	a.Counters, b.Counters = nil, nil
	return a.TopicPartition == b.TopicPartition && a.Offset == b.Offset && a.Ordinal == b.Ordinal && a.User == b.User && a.Badge == b.Badge &&
		a.Category == b.Category && a.Criterion == b.Criterion && a.Tier == b.Tier && a.Revoked == b.Revoked && a.At == b.At && a.EarnedAt == b.EarnedAt &&
		a.EventID == b.EventID && a.EventSource == b.EventSource && a.Version == b.Version && a.CatalogVersion == b.CatalogVersion && a.Reason == b.Reason
}

// TestTick awards what time alone fulfils, once; a tick that another overtook
// has nothing to do.
func TestTick(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s servers) {
		m := join(t, s)
		m.fold(0, 0, event{"stride.runner.joined", "u1", `{}`})
		const month = 31 * 24 * 3600 * 1_000_000
		for i, tick := range []struct {
			at      int64
			changes int
		}{{noon + month, 1}, {noon + 10, 0}, {noon + month + 1, 0}} {
			w := &projections.TickWork{Batch: m.work(1, 0).Batch, From: projections.Position{Offset: int64(i)}, Limit: 100, Reason: schemas.ReasonActivity}
			w.Source.Topic, w.Source.Partition, w.Source.Offset, w.Source.ID, w.Source.Origin, w.Source.Time = "activity", 1, int64(i), "t", "/suite", tick.at
			out, done, to, err := m.folder.FoldTick(t.Context(), w)
			m.must(err)
			if !done || to.Offset != int64(i+1) || m.stands(1) != to {
				t.Errorf("tick %d: done %t, to %v, and it stands at %v", i, done, to, m.stands(1))
			}
			if len(out.History) != tick.changes || len(out.Finals) > 1 {
				t.Errorf("tick %d: the history is %+v", i, out.History)
			}
		}
		stale := &projections.TickWork{Batch: m.work(1, 0).Batch, Limit: 100, Reason: schemas.ReasonActivity}
		stale.Source.Topic, stale.Source.Partition, stale.Source.Time = "activity", 1, noon
		if _, _, _, err := m.folder.FoldTick(t.Context(), stale); !errors.Is(err, projections.ErrStale) {
			t.Errorf("an old tick: %v", err)
		}
	})
}
