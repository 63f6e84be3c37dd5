package processor_test

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// fill adds lines to a batch, up to a tick.
func fill(t *testing.T, b *processor.Batch, w *processor.Window, lines [][]byte, offset int64) {
	t.Helper()
	for i, line := range lines {
		var ev schemas.Event
		if schemas.DecodeStructured(line, &ev) != nil {
			continue
		}
		// What the catalogue rejects is not part of the batch either way.
		_, _ = b.Add(&ev, processor.Source{Topic: "t", Offset: offset + int64(i), ID: ev.ID, Origin: ev.Source, Time: ev.Time}, w)
	}
}

// TestRewindForgetsTheFirstAttempt folds a batch against one store, rewinds it
// as after a failed transaction, and folds it against another that holds other
// rows by then: the result is that of a batch which never met the first.
func TestRewindForgetsTheFirstAttempt(t *testing.T) {
	for name, cat := range catalogs(t) {
		for seed := range uint64(8) {
			lines := bytes.Split(stream(cat, seed, 600), []byte("\n"))
			before, now, later := lines[:300], lines[300:500], lines[500:]
			var want, got [6]any
			for attempt, results := range []*[6]any{&want, &got} {
				store := preloaded(t, cat, before)
				b := processor.New(cat)
				fill(t, b, processor.NewWindow(1000), now, 300)
				if attempt == 1 {
					if err := processor.NewMemory(cat).Fold(b); err != nil {
						t.Fatal(err)
					}
					b.Rewind()
				}
				if err := store.Fold(b); err != nil {
					t.Fatal(err)
				}
				copy(results[:3], outcome(b))
				// What the second attempt wrote shows in the next batch.
				b.Reset()
				fill(t, b, processor.NewWindow(1000), later, 500)
				if err := store.Fold(b); err != nil {
					t.Fatal(err)
				}
				copy(results[3:], outcome(b))
			}
			if !reflect.DeepEqual(want, got) {
				t.Errorf("%s, seed %d: the first attempt shows in the second\n got %v\nwant %v", name, seed, got, want)
			}
			if len(want[0].([]processor.Change)) == 0 {
				t.Errorf("%s, seed %d: a batch without changes proves nothing", name, seed)
			}
		}
	}
}

func outcome(b *processor.Batch) []any {
	return []any{slices.Clone(b.Changes()), slices.Clone(b.HeldUpdates()), slices.Clone(b.Finals())}
}

func preloaded(t *testing.T, cat *catalog.Catalog, lines [][]byte) *processor.Memory {
	t.Helper()
	store, b := processor.NewMemory(cat), processor.New(cat)
	fill(t, b, processor.NewWindow(1000), lines, 0)
	if err := store.Fold(b); err != nil {
		t.Fatal(err)
	}
	return store
}
