package projections

import (
	"testing"

	"github.com/cockroachdb/errors"
)

// TestGivenUpUnderWay: who folds a generation that is given up learns that, and
// not that a table is missing, when he asks what of it was rejected.
func TestGivenUpUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "given-up", load(t, "stride"), 1)
	at := w.works(0, 0).Ranges[0].TopicPartition
	number, err := w.BeginGeneration(t.Context(), &Rebuild{From: []BesideOffset{{TopicPartition: at}}})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := w.Refused(t.Context(), number, at, 0, 10); err != nil || len(list) > 0 {
		t.Errorf("of a generation that has folded nothing %v are rejected: %v", list, err)
	}
	if err := w.Drop(t.Context(), number, Cancelled); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Refused(t.Context(), number, at, 0, 10); !errors.Is(err, ErrNotBeside) {
		t.Errorf("of a generation that was given up: %v", err)
	}
}
