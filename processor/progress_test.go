package processor_test

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// shown is the display of a group by its definition: the first badge not held
// whose least advanced condition is begun and not reached.
func shown(cat *catalog.Catalog, g *catalog.Group, f *processor.Final) (schemas.InProgress, bool) {
	for _, badge := range g.Badges {
		def := &cat.Badges[badge]
		if slices.ContainsFunc(f.Held, func(h processor.Held) bool { return h.Badge == def.ID }) {
			continue
		}
		var least *big.Rat
		var value, threshold int64
		for _, c := range def.All {
			v, at := f.Counters[c.Counter], c.Threshold
			if c.Kind == catalog.Ratio {
				at /= 100
				if whole := f.Counters[c.Whole]; whole > 0 {
					v = v * 100 / whole
				} else {
					v = 0
				}
			}
			if part := big.NewRat(v, at); least == nil || part.Cmp(least) < 0 {
				least, value, threshold = part, v, at
			}
		}
		if 0 < value && value < threshold {
			return schemas.InProgress{Badge: def.Slug, Value: value, Threshold: threshold, Percent: value * 100 / threshold}, true
		}
	}
	return schemas.InProgress{}, false
}

// TestProgressByDefinition compares snapshots of random rows with the display's
// definition: rows that a fold would give, and any others.
func TestProgressByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	huge := parse(t, strings.Replace(dense, "{slug: half-good,", `{slug: rich, name: R, description: d, tier: 1, all: [{counter: stars, at_least: 9007199254740991}, {counter: points, at_least: 8000000000}]}
      - {slug: half-good,`, 1))
	for name, cat := range map[string]*catalog.Catalog{"huge": huge, "starview": load(t, "starview")} {
		groups := slices.DeleteFunc(slices.Clone(cat.Groups), func(g catalog.Group) bool { return g.Criterion == "TIME" })
		in := 0
		for range 20_000 {
			f := &processor.Final{User: "u", Counters: make([]int64, len(cat.Counters))}
			top := []int64{3, 30, 300, 1 << 53}[rng.IntN(4)]
			for c := range f.Counters {
				f.Counters[c] = rng.Int64N(top) - rng.Int64N(2)*rng.Int64N(4)
			}
			reached := rng.IntN(2) == 0
			for id, badge := range cat.ByID {
				one := cat.Badges[badge].All[0]
				plain := len(cat.Badges[badge].All) == 1 && one.Kind == catalog.AtLeast && !cat.Badges[badge].Sticky
				if plain && f.Counters[one.Counter] >= one.Threshold || !plain && reached && rng.IntN(3) == 0 {
					f.Held = append(f.Held, processor.Held{Badge: int16(id)})
				}
			}
			var want []schemas.InProgress
			for i := range groups {
				if step, ok := shown(cat, &groups[i], f); ok {
					want = append(want, step)
				}
			}
			var s schemas.Snapshot
			processor.FillSnapshot(cat, f, &s)
			in += len(s.InProgress)
			if !slices.Equal(s.InProgress, want) {
				t.Fatalf("%s: counters %v, held %v give %v, want %v", name, f.Counters, f.Held, s.InProgress, want)
			}
		}
		if in == 0 {
			t.Errorf("%s: nothing was ever in progress", name)
		}
	}
}

func parse(t *testing.T, text string) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cat
}
