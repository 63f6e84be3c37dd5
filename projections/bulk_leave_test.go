package projections

import "testing"

// TestLeaveCommits: who is asked to stop commits what he has folded, unless a fold
// was broken off, of which memory holds a part.
func TestLeaveCommits(t *testing.T) {
	t.Parallel()
	ctx, cat := t.Context(), load(t, "stride")
	w := newWorld(t, server(t), "leave", cat, 1)
	work := w.works(0, 0, act{"stride.runner.upgraded", "u1", `{}`, noon})
	number, err := w.BeginGeneration(ctx, &Rebuild{From: []BesideOffset{{TopicPartition: work.Ranges[0].TopicPartition}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, torn := range []bool{true, false} {
		b, err := w.NewBesideFolder(w.in, cat, number, w.in.CatalogVersion).BulkFolder(ctx, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		work := w.works(0, 0, act{"stride.runner.upgraded", "u1", `{}`, noon})
		if err := b.Fold(ctx, work.Batch, work.Ranges, nil); err != nil {
			t.Fatal(err)
		}
		b.torn = b.torn || torn
		b.Leave(ctx)
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
		offsets, err := w.BesideOffsets(ctx, number)
		if want := map[bool]int64{true: 0, false: 1}[torn]; err != nil || len(offsets) != 1 || offsets[0].Offset != want {
			t.Errorf("left with a fold broken off %t, the generation stands at %v, %v; want offset %d", torn, offsets, err, want)
		}
	}
}
