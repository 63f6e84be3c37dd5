package projections

import (
	"math/rand/v2"
	"testing"
)

// TestRowsStayOrAreKnownToBeGone asks for rows at random while most must leave:
// each is here with what it held, or known to be somewhere else, and one that
// never was is neither.
func TestRowsStayOrAreKnownToBeGone(t *testing.T) {
	const keys, limit = 5_000, 400
	rng := rand.New(rand.NewPCG(7, 7))
	c := rowCache[memberRow, *memberRow]{limit: limit}
	c.gone.size = 1 << 16
	all := make([]rowKey, keys)
	for i := range all {
		all[i] = rowKey{int64(rng.Uint64()), int64(rng.Uint64())}
	}
	stored := map[rowKey]int32{}
	left := 0
	for n := range int32(60_000) {
		if c.full() {
			c.drop()
			c.rotate()
		}
		k := all[rng.IntN(1+int(n)*keys/60_000)]
		state, was := stored[k]
		r := c.get(k)
		switch {
		case r != nil && (!was || r.state != state):
			t.Fatalf("row %v has state %d, and had %d", k, r.state, state)
		case r == nil && was:
			if !c.mayBeStored(k) {
				t.Fatalf("row %v left, and is taken for new", k)
			}
			left++
		}
		if r == nil {
			r = c.young.add(k)
			r.stored = true
		}
		r.state = n
		stored[k] = n
	}
	c.drop()
	if here := c.young.n + c.old.n; here > limit+1 {
		t.Errorf("%d rows are here, of at most %d", here, limit)
	}
	if left < 1_000 {
		t.Errorf("only %d times a row had left", left)
	}
	wrong := 0
	for range keys {
		if c.mayBeStored(rowKey{int64(rng.Uint64()), int64(rng.Uint64())}) {
			wrong++
		}
	}
	if wrong > keys/20 {
		t.Errorf("of %d rows that never were, %d are taken for such that left", keys, wrong)
	}
}
