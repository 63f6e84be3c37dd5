package projections

import (
	"fmt"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

// TestNewRows folds what two processes share out, each of which copies the
// members and entities that it takes for new, and compares with one that upserts
// them all: with rows that come again, and with some that only the other process
// knows of, which costs another attempt and nothing else.
func TestNewRows(t *testing.T) {
	t.Parallel()
	url, cat := server(t), load(t, "stride")
	ref, w := newWorld(t, url, "reference", cat, 2), newWorld(t, url, "known", cat, 2)
	other, err := Open(t.Context(), url, "known")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	// So many sessions, and as many goals, of which that of the later time stays; and
	// as many routes, each with a star of somebody who gives none twice.
	const n = 2_000
	shares := func(from int) (list []act) {
		for i := from; i < from+n; i++ {
			list = append(list, act{"stride.route.shared", fmt.Sprint("u", i%700), fmt.Sprintf(`{"route":"r%d"}`, i), noon})
		}
		return list
	}
	acts := func(from int) (list []act) {
		for i := from; i < from+n; i++ {
			list = append(list, act{"stride.session.changed", fmt.Sprint("u", i%700), fmt.Sprintf(`{"session":"s%d","state":"done"}`, i), noon},
				act{"stride.goal.set", fmt.Sprint("g", i), fmt.Sprintf(`{"kilometres":%d}`, i%50), noon + int64((from+7*i)%5)},
				act{"stride.route.starred", fmt.Sprint("s", from), fmt.Sprintf(`{"route":"r%d","owner":"u%d","stars":%d}`, i, i%700, 1+i%3), noon})
		}
		return append(list, shares(from)...)
	}
	upserts := ref.newFolder(ref.in, cat, "reference")
	here, there := w.folder(), other.NewFolder(w.in, cat, "other")
	for _, f := range []*Folder{upserts, there} {
		t.Cleanup(func() { _ = f.Close(t.Context()) })
	}
	at, next := [2]int64{}, 10*n
	fold := func(f *Folder, partition int32, list []act) (attempts, copied int) {
		t.Helper()
		if _, err := upserts.Fold(t.Context(), ref.works(partition, at[partition], list...)); err != nil {
			t.Fatal(err)
		}
		out, err := f.Fold(t.Context(), w.works(partition, at[partition], list...))
		if err != nil {
			t.Fatal(err)
		}
		at[partition] += int64(len(list))
		const rows = `SELECT user_key, row_key, collection, state, at FROM GEN.member ORDER BY user_key, row_key`
		same(t, "members", ref.text(rows), w.text(rows))
		const entities = `SELECT user_key, row_key, collection, state, s0, s1, s2, s3 FROM GEN.entity ORDER BY user_key, row_key`
		same(t, "entities", ref.text(entities), w.text(entities))
		same(t, "users", ref.text(`SELECT * FROM GEN.users ORDER BY id`), w.text(`SELECT * FROM GEN.users ORDER BY id`))
		return out.Attempts, len(f.answers.fresh) + len(f.answers.made)
	}
	expect := func(f *Folder, partition int32, list []act, attempts, copied int) {
		t.Helper()
		if a, c := fold(f, partition, list); a != attempts || c != copied {
			t.Errorf("%d rows were copied with attempt %d, and should be %d with attempt %d", c, a, copied, attempts)
		}
	}
	// It is learnt once a quarter of what is there was written, and after a fault
	// twice what was written before.
	learns := func(f *Folder, partition int32) {
		t.Helper()
		for turn := 0; f.known.state.Load() != known; turn, next = turn+1, next+n {
			if turn == 10 {
				t.Fatalf("what is there was not learnt from %d folds of %d rows", turn, 4*n)
			}
			fold(f, partition, acts(next))
			f.known.learning.Wait()
		}
	}
	learns(here, 0)
	expect(here, 0, acts(n), 1, 4*n)
	// Half of them come again with new stars, and a few are no reason to copy.
	expect(here, 0, acts(n+n/2), 1, 2*n+n/2)
	expect(here, 0, acts(3 * n)[:100], 1, 0)
	learns(there, 1)
	expect(there, 1, acts(n), 1, 0)
	expect(there, 1, acts(4*n), 1, 4*n)
	// What the other has written since is not known here, and then nothing is.
	expect(here, 0, acts(4*n), 2, 0)
	expect(here, 0, acts(5*n), 1, 0)
	learns(here, 0)
	expect(here, 0, acts(6*n), 1, 4*n)
	// So it is with entities alone.
	expect(there, 1, shares(7*n), 1, n)
	expect(here, 0, shares(7*n), 2, 0)
}

// TestNewRowsUnderWay learns which rows there are while a fold is under way that
// has written some: it must wait for these to be seen, and for no later fold.
func TestNewRowsUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "underway", load(t, "stride"), 2)
	var acts []act
	for i := range 2 * manyNew {
		acts = append(acts, act{"stride.session.changed", fmt.Sprint("u", i), `{"session":"s","state":"done"}`, noon})
	}
	w.gate()
	release := w.stop()
	first := w.start("first", 0, 0, acts...)
	w.blocks("", "first")
	k := w.knownRows(w.in.Generation)
	k.wrote(t.Context(), manyNew)
	for deadline := time.Now().Add(stacktest.Patience(t)); k.state.Load() == unknown; {
		if time.Now().After(deadline) {
			t.Fatal("it never began to learn")
		}
	}
	// That long it takes to read a table, and longer.
	for range 20 {
		w.text(`SELECT count(*) FROM GEN.member`)
	}
	if k.state.Load() != learning {
		t.Error("it was learnt beside a fold whose members nobody can see yet")
	}
	release()
	first.wait()
	k.learning.Wait()
	f := w.folder()
	out, err := f.Fold(t.Context(), w.works(1, 0, acts...))
	if err != nil {
		t.Fatal(err)
	}
	if out.Attempts != 1 || len(f.answers.fresh) > 0 || k.state.Load() != known {
		t.Errorf("%d members that are there were copied, with attempt %d", len(f.answers.fresh), out.Attempts)
	}
}
