package pipeline

import (
	"testing"
	"time"
)

// TestRoom shares out what batches may hold: by how far workers are behind, and
// within what memory and other workers' locks allow.
func TestRoom(t *testing.T) {
	t.Parallel()
	const quick, slow, good = time.Second, 6 * time.Second, 3 * time.Second
	r := newRoom(2)
	if n := r.limit(0, 1_000_000, quick); n != 2*firstBatch {
		t.Errorf("after a quick batch a lone worker gets %d", n)
	}
	for range 20 {
		r.limit(0, 1_000_000, quick)
		r.limit(1, 1_000_000, quick)
	}
	for _, c := range []struct {
		behind [2]int64
		took   time.Duration
		want   int
		why    string
	}{
		{[2]int64{500_000, 500_000}, good, maxBatch, "equals get equal parts"},
		{[2]int64{400_000, 600_000}, good, 48_000, "who is less behind gets less"},
		{[2]int64{550_000, 450_000}, good, 66_000, "who is more behind gets more"},
		{[2]int64{900_000, 100_000}, good, 75_000, "nobody gets more than the memory has"},
		{[2]int64{100_000, 900_000}, good, 30_000, "nobody gets less than half a part"},
		{[2]int64{500_000, 500_000}, slow, 30_000, "after a slow batch all are smaller"},
	} {
		r.limit(1, c.behind[1], good)
		if n := r.limit(0, c.behind[0], c.took); n != c.want {
			t.Errorf("%s: %d, want %d", c.why, n, c.want)
		}
	}
	r.leave(1)
	if n := r.limit(0, 500_000, good); n != 30_000 {
		t.Errorf("who is alone gets %d, want an equal part of 30000", n)
	}
	for workers, most := range map[int]int{1: maxBatch, 2: maxBatch, 4: maxBatch / 2, 100: firstBatch} {
		if n := newRoom(workers).most; n != most {
			t.Errorf("each of %d workers gets at most %d, want %d", workers, n, most)
		}
	}
}
