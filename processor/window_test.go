package processor_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/badgestream/badgestream/processor"
)

// TestWindowIsExact compares the window with a look at everything that ever
// was, for random events at offsets with gaps.
func TestWindowIsExact(t *testing.T) {
	type occurrence struct {
		source, id string
		offset     int64
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for _, size := range []int64{1, 2, 10, 100, 3_000} {
		w := processor.NewWindow(size)
		var all []occurrence
		duplicates := 0
		for offset := int64(rng.IntN(5)); len(all) < 6_000; offset += 1 + rng.Int64N(3)*rng.Int64N(2) {
			o := occurrence{"s" + strconv.Itoa(rng.IntN(2)), strconv.Itoa(rng.IntN(int(size) * 2)), offset}
			want := false
			for i := len(all) - 1; i >= 0 && offset-all[i].offset <= size; i-- {
				want = want || all[i].source == o.source && all[i].id == o.id
			}
			if got := w.See(o.source, o.id, o.offset); got != want {
				t.Fatalf("window of %d: (%s, %s) at %d is a duplicate: %v, want %v", size, o.source, o.id, offset, got, want)
			}
			if want {
				duplicates++
			}
			all = append(all, o)
		}
		if duplicates == 0 || duplicates == len(all) {
			t.Errorf("window of %d: %d duplicates of %d prove nothing", size, duplicates, len(all))
		}
	}
}

func TestWindowTellsPairsApart(t *testing.T) {
	w := processor.NewWindow(100)
	for offset, pair := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"", "abc"}, {"abc", ""}, {"a", "b"}, {"a\x00", "b"}, {"a", "\x00b"}} {
		if w.See(pair[0], pair[1], int64(offset)) {
			t.Errorf("%q was taken for one of those before it", pair)
		}
	}
	if !w.See("ab", "c", 50) {
		t.Error("the second (ab, c) was not noticed")
	}
}
