package processor

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
)

// oneByOne is what an operation makes of a known state, said without the
// shortcuts of step.
func oneByOne(state int32, op catalog.Op, code int32) int32 {
	present := state > Absent
	switch {
	case state == Dead:
		return Dead
	case op == catalog.OpDelete:
		return Dead
	case op == catalog.OpUnset:
		return Absent
	case op == catalog.OpSet,
		op == catalog.OpInsert && !present,
		op == catalog.OpUpdate && present:
		return code
	}
	return state
}

// TestOutcomesCompose folds random operations on one row, all at once and one
// by one, from each state that the row may have had.
func TestOutcomesCompose(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	ops := []catalog.Op{catalog.OpSet, catalog.OpUnset, catalog.OpInsert, catalog.OpUpdate, catalog.OpDelete}
	for range 20_000 {
		n := rng.IntN(7)
		next := unchanged()
		states := map[int32]int32{Dead: Dead, Absent: Absent, 1: 1, 2: 2, 3: 3} // prior → now
		var done []any
		for range n {
			op, code := ops[rng.IntN(len(ops))], 1+rng.Int32N(3)
			if rng.IntN(3) > 0 && op == catalog.OpDelete {
				op = catalog.OpSet
			}
			done = append(done, op, code)
			next = next.then(op, code)
			for prior, state := range states {
				states[prior] = oneByOne(state, op, code)
			}
		}
		for prior, want := range states {
			if got := next.After(prior); got != want {
				t.Fatalf("operations %v on state %d give %d, want %d", done, prior, got, want)
			}
		}
	}
}

func TestMeansAreRoundedHalfUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 20_000 {
		sum, count, decimals := rng.Int64N(20_001)-10_000, 1+rng.Int64N(400), rng.IntN(4)
		if rng.IntN(2) == 0 { // as large as a catalogue allows
			count, decimals = 1+rng.Int64N(1_000_000), rng.IntN(7)
			sum = count*(rng.Int64N(1<<32)-1<<31) + rng.Int64N(count)
		}
		scaled := new(big.Rat).SetFrac64(sum, count)
		for range decimals {
			scaled.Mul(scaled, big.NewRat(10, 1))
		}
		scaled.Add(scaled, big.NewRat(1, 2))
		floor := new(big.Int).Div(scaled.Num(), scaled.Denom()) // Euclidean: the denominator is positive
		if got := roundHalfUp(sum, count, decimals); got != floor.Int64() {
			t.Fatalf("%d/%d to %d decimals is %d, want %d", sum, count, decimals, got, floor)
		}
	}
}

func TestWeightsAndTerms(t *testing.T) {
	value, present, equals := catalog.Weight{Kind: catalog.WeightValue, Offset: -11}, catalog.Weight{}, catalog.Weight{Kind: catalog.WeightEquals, Code: 2}
	for _, tc := range []struct {
		w     catalog.Weight
		state int32
		want  int64
	}{
		{value, Dead, 0}, {value, Absent, 0}, {value, 1, -10}, {value, 20, 9},
		{present, Dead, 0}, {present, Absent, 0}, {present, 5, 1},
		{equals, Dead, 0}, {equals, 1, 0}, {equals, 2, 1},
	} {
		if got := weigh(&tc.w, tc.state); got != tc.want {
			t.Errorf("weight %+v of state %d is %d, want %d", tc.w, tc.state, got, tc.want)
		}
	}
	sums := [catalog.MaxSums]int64{7, 2} // a mean of 3.5
	mean := catalog.Term{Kind: catalog.TermMean, Sum: 0, Count: 1, AtLeast: 350, Decimals: 2}
	for _, tc := range []struct {
		t     catalog.Term
		state int32
		want  int64
	}{
		{catalog.Term{Kind: catalog.TermPresent}, 1, 1}, {catalog.Term{Kind: catalog.TermPresent}, Absent, 0}, {catalog.Term{Kind: catalog.TermPresent}, Dead, 0},
		{catalog.Term{Kind: catalog.TermSum, Sum: 0}, 1, 7}, {catalog.Term{Kind: catalog.TermSum, Sum: 0}, Absent, 7}, {catalog.Term{Kind: catalog.TermSum, Sum: 0}, Dead, 0},
		{mean, 1, 1}, {mean, Absent, 1}, {mean, Dead, 0},
		{catalog.Term{Kind: catalog.TermMean, Sum: 0, Count: 2, AtLeast: 1, Decimals: 2}, 1, 0},
		{catalog.Term{Kind: catalog.TermMean, Sum: 0, Count: 1, AtLeast: 351, Decimals: 2}, 1, 0},
	} {
		if got := amount(&tc.t, tc.state, &sums); got != tc.want {
			t.Errorf("term %+v of state %d is %d, want %d", tc.t, tc.state, got, tc.want)
		}
	}
}
