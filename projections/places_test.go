package projections

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

// TestFullPlacesHoldNobodyUp fills all places of a first-N counter. From then on
// a worker that saw it draws no more, and waits for nobody who does; one that
// does not know yet asks once. The row is the same whatever batches were; one of
// them leaves one place.
func TestFullPlacesHoldNobodyUp(t *testing.T) {
	t.Parallel()
	cat := load(t, "stride") // with 10 places
	upgrade := func(from, to int) (acts []act) {
		for i := from; i < to; i++ {
			acts = append(acts, act{"stride.runner.upgraded", fmt.Sprintf("u%02d", i), `{}`, noon})
		}
		return acts
	}
	w := newWorld(t, server(t), "places", cat, 2)
	f := w.folder()
	for _, cut := range [][2]int{{0, 7}, {7, 9}, {9, 13}, {13, 14}} {
		if _, err := f.Fold(t.Context(), w.works(0, int64(cut[0]), upgrade(cut[0], cut[1])...)); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.TrimSpace(w.text(`SELECT taken FROM GEN.place`)); got != "10" {
		t.Errorf("%s of 10 places are taken", got)
	}
	if got := strings.TrimSpace(w.text(`SELECT count(*) FROM GEN.users WHERE ` + counterColumn(&cat.Counters[placesCounter(t, w)]) + ` = 1`)); got != "10" {
		t.Errorf("%s users have a place", got)
	}
	// Somebody holds the row, as another worker's transaction would.
	other, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), w.sql(`SELECT FROM GEN.place FOR UPDATE`)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Fold(t.Context(), w.works(0, 14, upgrade(14, 20)...)); err != nil {
		t.Errorf("a worker that knows of no place left: %v", err)
	}
	// A new connection has seen nothing, and asks.
	f.dropConn()
	done := make(chan error, 1)
	go func() {
		_, err := f.Fold(t.Context(), w.works(0, 20, upgrade(20, 22)...))
		done <- err
	}()
	for w.text(`SELECT count(*) FROM pg_locks WHERE NOT granted`) == "0\n" {
		if t.Context().Err() != nil {
			t.Fatal("it never asked")
		}
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("a worker that asks: %v", err)
		}
	case <-time.After(stacktest.Patience(t)):
		t.Error("a worker that asks was not answered")
	}
	if got := strings.TrimSpace(w.text(`SELECT count(*) FROM GEN.users WHERE ` + counterColumn(&cat.Counters[placesCounter(t, w)]) + ` = 1`)); got != "10" {
		t.Errorf("in the end %s users have a place", got)
	}
}

// placesCounter is the index of the catalogue's counter of first-comers.
func placesCounter(t *testing.T, w *world) int {
	t.Helper()
	for i := range w.cat.Collections {
		if w.cat.Collections[i].Places > 0 {
			return w.cat.Collections[i].Counter
		}
	}
	t.Fatal("the catalogue has no places")
	return 0
}
