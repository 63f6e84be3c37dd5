package processor

import (
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestNamesAreInOrder ranks names of few different bytes, so that prefixes are
// shared, keys meet and NULs stand where short names end, and compares with
// the order of the names themselves.
func TestNamesAreInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var kept texts
	var s sorter
	var byRank []int32
	for round := range 200 {
		u := names{seed: maphash.MakeSeed()}
		u.reset()
		prefix := strings.Repeat("user-", round%3)
		for range rng.IntN(300) {
			name := []byte(prefix)
			for range rng.IntN(12) {
				name = append(name, "\x00ab\xff"[rng.IntN(4)])
			}
			u.number(string(name), &kept)
		}
		byRank = u.order(byRank, &s)
		got := make([]string, 0, len(byRank))
		for r, n := range byRank {
			got = append(got, u.all[n])
			if u.rank[n] != int32(r) {
				t.Fatalf("round %d: %q has rank %d, and stands at %d", round, u.all[n], u.rank[n], r)
			}
		}
		if want := slices.Sorted(slices.Values(u.all)); !slices.Equal(got, want) {
			t.Fatalf("round %d: %q, not %q", round, got, want)
		}
	}
}
