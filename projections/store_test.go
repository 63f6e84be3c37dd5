package projections

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// TestSeedNeverOverwrites seeds twice, and again after folding.
func TestSeedNeverOverwrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "seed", load(t, "stride"), 0)
	seed := func(offsets ...int64) (string, int) {
		t.Helper()
		var rows []Standing
		for p, offset := range offsets {
			rows = append(rows, Standing{TopicPartition: TopicPartition{"activity", int32(p)}, TopicID: TopicID{byte(offset)}, Position: Position{Offset: offset}})
		}
		standing, seeded, err := w.Seed(t.Context(), rows)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range standing {
			got = append(got, fmt.Sprint(s.Partition, " ", s.Offset, " ", s.TopicID[0]))
		}
		return strings.Join(got, ", "), seeded
	}
	for _, c := range []struct {
		offsets []int64
		stands  string
		seeded  int
	}{
		{[]int64{5, 6}, "0 5 5, 1 6 6", 2},
		{[]int64{7, 8, 9}, "0 5 5, 1 6 6, 2 9 9", 1},
		{[]int64{1, 1, 1}, "0 5 5, 1 6 6, 2 9 9", 0},
	} {
		if stands, seeded := seed(c.offsets...); stands != c.stands || seeded != c.seeded {
			t.Errorf("seeding %v: %s, %d seeded", c.offsets, stands, seeded)
		}
	}
	if _, err := w.folder().Fold(t.Context(), w.works(1, 6, points)); err != nil {
		t.Fatal(err)
	}
	if stands, _ := seed(0, 0, 0); stands != "0 5 5, 1 7 6, 2 9 9" {
		t.Errorf("after folding: %s", stands)
	}
	for _, topics := range [][]string{{"activity"}, {"other", "activity"}, nil} {
		if all, err := w.Positions(t.Context(), topics...); err != nil || len(all) != 3 || all[1].Offset != 7 {
			t.Errorf("positions of %v: %+v, %v", topics, all, err)
		}
	}
	if none, err := w.Positions(t.Context(), "other"); err != nil || len(none) != 0 {
		t.Errorf("positions of another topic: %+v, %v", none, err)
	}
}

// TestHistoryRange reads the history by offset and ordinal, as it was made.
func TestHistoryRange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "history", load(t, "stride"), 1)
	var made []HistoryRow
	f := w.folder()
	for offset := range int64(6) {
		// Each run crosses two thresholds at once, each removal crosses back.
		a := act{"stride.run.logged", "u1", `{"run":"r","metres":60000,"surface":"road"}`, noon + offset}
		if offset%2 == 1 {
			a = act{"stride.run.removed", "u1", fmt.Sprintf(`{"run":"r%d","runner":"u1"}`, offset-1), noon + offset}
		} else {
			a.data = fmt.Sprintf(`{"run":"r%d","metres":60000,"surface":"road"}`, offset)
		}
		out, err := f.Fold(t.Context(), w.works(0, offset, a))
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, out.History...)
	}
	if len(made) != 12 {
		t.Fatalf("%d changes", len(made))
	}
	p := TopicPartition{"activity", 0}
	for from := range int64(7) {
		for ordinal := range int64(3) {
			var want, got []string
			for _, h := range made {
				if h.Offset > from || h.Offset == from && h.Ordinal >= ordinal {
					if h.Offset < 4 || h.Offset == 4 && h.Ordinal < 1 {
						want = append(want, fmt.Sprintf("%+v", h))
					}
				}
			}
			err := w.HistoryRange(t.Context(), p, Mark{from, ordinal}, Mark{4, 1}, func(h *HistoryRow) error {
				got = append(got, fmt.Sprintf("%+v", *h))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			same(t, fmt.Sprintf("history from %d.%d", from, ordinal), strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
	}
	stop := errors.New("stop")
	if err := w.HistoryRange(t.Context(), p, Mark{}, Mark{9, 0}, func(*HistoryRow) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the caller's error came back as %v", err)
	}
}

// TestUserRows pages through the users, and reads some.
func TestUserRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "users", load(t, "stride"), 1)
	var acts []act
	for i := range 25 {
		acts = append(acts, act{"stride.points.earned", fmt.Sprintf("u%02d", i), fmt.Sprintf(`{"points":%d}`, 90+i), noon})
	}
	out, err := w.folder().Fold(t.Context(), w.works(0, 0, acts...))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, f := range out.Finals {
		want = append(want, fmt.Sprintf("%+v", f))
	}
	users := w.Users(w.in, w.cat)
	for after := ""; ; {
		page, err := users.After(t.Context(), after, 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, f := range page {
			got = append(got, fmt.Sprintf("%+v", f))
		}
		after = page[len(page)-1].User
	}
	same(t, "all users", strings.Join(want, "\n"), strings.Join(got, "\n"))
	if len(want) != 25 || !strings.Contains(want[24], "Held:[{Badge:") {
		t.Fatalf("the finals are %v", want)
	}
	some, err := users.Of(t.Context(), "u03", "nobody", "a\x00b", "\xff", "u01")
	if err != nil || len(some) != 2 || some[0].User != "u01" || some[1].Counters[w.cat.CounterIndex("points")] != 93 {
		t.Errorf("some users: %+v, %v", some, err)
	}
	if n, err := users.Count(t.Context()); err != nil || n != 25 {
		t.Errorf("%d users: %v", n, err)
	}
	if at, err := users.Clock(t.Context()); err != nil || at != 0 {
		t.Errorf("the clock stands at %d: %v", at, err)
	}
}

// TestLedgerFrom follows a partition through the ledger.
func TestLedgerFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "ledger", load(t, "stride"), 2)
	f := w.folder()
	for offset := int64(0); offset < 6; offset += 2 {
		for p := range int32(2) {
			if _, err := f.Fold(t.Context(), w.works(p, offset, points, points)); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := TopicPartition{"activity", 1}
	rows, err := w.LedgerFrom(t.Context(), p, Position{Offset: 2}, 10)
	if err != nil || len(rows) != 2 || rows[0].From.Offset != 2 || rows[1].To.Offset != 6 || rows[0].TopicPartition != p {
		t.Errorf("from 2: %+v, %v", rows, err)
	}
	for _, c := range []struct{ from, to, rows int64 }{{0, 6, 3}, {1, 2, 1}, {1, 3, 2}, {2, 4, 1}, {6, 9, 0}} {
		if rows, err := w.LedgerRange(t.Context(), p, c.from, c.to); err != nil || int64(len(rows)) != c.rows {
			t.Errorf("from %d to %d: %+v, %v", c.from, c.to, rows, err)
		}
	}
}

// TestSlots leases the lowest free slot, and notices when it is lost.
func TestSlots(t *testing.T) {
	t.Parallel()
	url := server(t)
	w, other := newWorld(t, url, "slots", load(t, "stride"), 0), newWorld(t, url, "others", load(t, "stride"), 0)
	lease := func(w *world, want int32) *Lease {
		t.Helper()
		l, err := w.LeaseSlot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeQuietly(l.conn) })
		if l.Slot != want {
			t.Errorf("leased slot %d, not %d", l.Slot, want)
		}
		return l
	}
	a, b, c := lease(w, 0), lease(w, 1), lease(w, 2)
	lease(other, 0)
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	lease(w, 1)
	lease(w, 3)
	if err := a.Check(t.Context()); err != nil {
		t.Errorf("a lease that holds: %v", err)
	}
	w.exec(`SELECT pg_terminate_backend($1)`, int32(c.conn.PgConn().PID()))
	lost := make(chan error, 1)
	go func() { lost <- c.Hold(t.Context()) }()
	select {
	case err := <-lost:
		if err == nil || !strings.Contains(err.Error(), "slot 2 is lost") {
			t.Errorf("a lost lease: %v", err)
		}
	case <-time.After(stacktest.Patience(t)):
		t.Error("a lost lease was not noticed")
	}
	lease(w, 2)
}

// TestRefusesForeignBatch refuses a batch of another catalogue than its own.
func TestRefusesForeignBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "foreign", load(t, "stride"), 1)
	foreign := processor.New(load(t, "stride"))
	if _, err := w.folder().Fold(t.Context(), &Work{Batch: foreign, Reason: schemas.ReasonActivity}); err == nil {
		t.Error("folded")
	}
}
