package differential_test

import (
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/differential"
)

// steady says of each counter whether docs/semantics.md promises that it ends
// alike however partitions interleave, where all that a user does is in one
// partition: all events of one row come from one partition, or only a deletion
// comes from another.
func steady(cat *catalog.Catalog) []bool {
	list := make([]bool, len(cat.Counters))
	for i := range list {
		list[i] = true
	}
	unsteady := make([]bool, len(cat.Collections))
	for i := range cat.Collections {
		col := &cat.Collections[i]
		unsteady[i] = col.Kind == catalog.First || !ownRows(cat, i)
		if col.Kind == catalog.Entities || !unsteady[i] {
			continue
		}
		if col.Kind != catalog.Members {
			list[col.Counter] = false
		} else if col.Parent == catalog.None {
			for _, w := range col.Weights {
				list[w.Target] = false
			}
		} else {
			for _, term := range cat.Collections[col.Parent].Terms {
				list[term.Counter] = list[term.Counter] && term.Kind == catalog.TermPresent
			}
		}
	}
	return list
}

// ownRows says whether all that changes a row comes from him who is credited, or
// all from him who is the member, deletions aside.
func ownRows(cat *catalog.Catalog, collection int) bool {
	credited, member := true, true
	for i := range cat.Events {
		for _, r := range cat.Events[i].Rules {
			if r.Op != catalog.OpCount && r.Collection == collection && r.Op != catalog.OpDelete {
				credited = credited && r.Credit == catalog.RefSubject
				member = member && r.Member == catalog.RefSubject
			}
		}
	}
	return credited || member
}

// TestInterleavings folds the same partitions in two orders, and wants the same
// final numbers of all counters of which that is promised.
func TestInterleavings(t *testing.T) {
	t.Parallel()
	compared, others := 0, 0
	for seed := range uint64(150) {
		rng := differential.New(seed, nil)
		file := differential.Catalog(rng)
		cat, err := catalog.Parse("drawn.yaml", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		log := differential.Log(rng, cat, 300, 4, true)
		one, two := fold(t, cat, log, rng, 20), fold(t, cat, differential.Interleave(rng, log), rng, 20)
		for i, promised := range steady(cat) {
			name := cat.Counters[i].Name
			for user := range union(one.counters, two.counters) {
				a, b := one.counters[user][name], two.counters[user][name]
				switch {
				case promised && a != b:
					t.Fatalf("seed %d: %s of %q is %d in one order and %d in another, of\n%s", seed, name, user, a, b, file)
				case promised && a != 0:
					compared++
				case a != b:
					others++
				}
			}
		}
	}
	t.Logf("%d numbers are the same in two orders; %d of which nothing is promised differ", compared, others)
	if compared < 1000 || others < 50 {
		t.Errorf("%d numbers that agree and %d others prove nothing", compared, others)
	}
}

func union(a, b map[string]map[string]int64) map[string]bool {
	all := map[string]bool{}
	for _, m := range []map[string]map[string]int64{a, b} {
		for user := range m {
			all[user] = true
		}
	}
	return all
}
