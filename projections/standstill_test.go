package projections

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestFoldBesideInAStandstill folds into a generation beside the live one while
// the live one's folds are kept out, on a connection that is made then: nobody
// folded before, and what keeps them out waits for this.
func TestFoldBesideInAStandstill(t *testing.T) {
	t.Parallel()
	cat := load(t, "stride")
	w := newWorld(t, server(t), "still", cat, 1)
	work := w.works(0, 0, act{"stride.runner.upgraded", "u1", `{}`, noon})
	number, err := w.BeginGeneration(t.Context(), &Rebuild{From: []BesideOffset{{TopicPartition: work.Ranges[0].TopicPartition}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.MakeIndexes(t.Context(), number, 1); err != nil {
		t.Fatal(err)
	}
	f := w.NewBesideFolder(w.in, cat, number, w.in.CatalogVersion)
	t.Cleanup(func() { _ = f.Close(context.Background()) })
	err = w.Standstill(t.Context(), func(ctx context.Context, _ pgx.Tx) error {
		return f.Fold(ctx, work.Batch, work.Ranges, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	offsets, err := w.BesideOffsets(t.Context(), number)
	if err != nil || len(offsets) != 1 || offsets[0].Offset != 1 {
		t.Errorf("after it was folded in a standstill the generation stands at %v, %v", offsets, err)
	}
}
