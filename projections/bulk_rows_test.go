package projections

import (
	"math/rand/v2"
	"testing"
)

// TestRowsStayOrAreKnownToBeGone asks for rows and changes some at random while
// most must leave, and writes those that changed now and then: each is here with what it is, or known
// to be in the table, where it is the same; one that never was is neither.
func TestRowsStayOrAreKnownToBeGone(t *testing.T) {
	const keys, limit = 5_000, 400
	rng := rand.New(rand.NewPCG(7, 7))
	c := rowCache[memberRow, *memberRow]{limit: limit}
	c.gone.size = 1 << 16
	all := make([]rowKey, keys)
	for i := range all {
		all[i] = rowKey{int64(rng.Uint64()), int64(rng.Uint64())}
	}
	is, table := map[rowKey]int32{}, map[rowKey]int32{}
	write := func(rows []*memberRow) {
		for _, r := range rows {
			table[r.key] = r.state
			r.storedRow = storedRow{stored: true}
		}
	}
	left := 0
	for n := range int32(60_000) {
		if c.full() {
			write(c.fresh)
			if c.fresh = c.fresh[:0]; len(c.dirty) > limit/8 {
				write(c.dirty)
				c.dirty = c.dirty[:0]
			}
			c.rotate()
		}
		k := all[rng.IntN(1+int(n)*keys/60_000)]
		state, was := is[k]
		r := c.get(k)
		switch {
		case r != nil && (!was || r.state != state):
			t.Fatalf("row %v has state %d, and had %d", k, r.state, state)
		case r == nil && was:
			if !c.mayBeStored(k) {
				t.Fatalf("row %v left, and is taken for new", k)
			}
			if table[k] != state {
				t.Fatalf("row %v left with state %d, and is %d in the table", k, state, table[k])
			}
			left++
			r = c.young.add(k)
			r.state, r.stored = state, true
		case r == nil:
			r = c.young.add(k)
			c.fresh = append(c.fresh, r)
		}
		if r.stored && rng.IntN(10) > 0 {
			continue
		}
		is[k] = n
		if r.state = n; r.stored && !r.dirty {
			r.dirty = true
			c.dirty = append(c.dirty, r)
		}
	}
	if here := c.young.n + c.old.n; here > limit+limit/8+1 {
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
