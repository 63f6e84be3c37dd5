package processor

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/badgestream/badgestream/schemas"
)

// TestRatiosOfLargeSums compares ratios of numbers up to 64 bits with numbers of
// any size.
func TestRatiosOfLargeSums(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	number := func() int64 {
		switch n := rng.Int64() >> rng.IntN(63); rng.IntN(6) {
		case 0:
			return -n
		case 1:
			return []int64{0, 1, math.MaxInt64, math.MinInt64, math.MaxInt64 / 10_000, math.MaxInt64/10_000 + 1}[rng.IntN(6)]
		default:
			return n
		}
	}
	for range 200_000 {
		part, whole, threshold := number(), number(), 100*(1+rng.Int64N(100))
		if rng.IntN(3) == 0 && whole > 0 && whole < math.MaxInt64/10_000 {
			part = whole*threshold/10_000 - 1 + rng.Int64N(3) // about where it turns
		}
		left := new(big.Int).Mul(big.NewInt(part), big.NewInt(10_000))
		right := new(big.Int).Mul(big.NewInt(threshold), big.NewInt(whole))
		if want := whole > 0 && left.Cmp(right) >= 0; reaches(part, whole, threshold) != want {
			t.Fatalf("%d of %d reaches %d hundredths of a percent: want %t", part, whole, threshold, want)
		}
		want := int64(0)
		if part > 0 && whole > 0 {
			n := new(big.Int).Mul(big.NewInt(part), big.NewInt(100))
			if want = math.MaxInt64; n.Div(n, big.NewInt(whole)).IsInt64() {
				want = n.Int64()
			}
		}
		if got := schemas.Percent(part, whole); got != want {
			t.Fatalf("%d of %d is %d %%; want %d", part, whole, got, want)
		}
	}
}
