package crash

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/faults/wire"
)

// Step is one fault at one place.
type Step struct {
	Place
	Kind Kind
}

func (s Step) String() string { return s.Kind.String() + " " + s.Place.String() }

// Case is a run of the engine with its faults, one after another.
type Case struct {
	Steps []Step
	// Seed gives the events.
	Seed uint64
}

func (c Case) String() string {
	var names []string
	for _, s := range c.Steps {
		names = append(names, s.String())
	}
	return strings.Join(names, ", then ")
}

// Singles are all places with every kind of fault that fits.
func Singles(seed uint64) (cases []Case) {
	for _, place := range sides(messages()) {
		for kind := range kinds {
			if kind.fits(place) {
				cases = append(cases, one(place, kind))
			}
		}
	}
	return seeded(cases, seed)
}

// Cheap is a kill at each place, and every other kind of fault once for each
// server. The seed chooses where, but for the zombie that wakes up before a fold:
// it is the one that only the compare-and-swap of the fold offset stops.
func Cheap(seed uint64) (cases []Case) {
	places := sides(messages())
	for _, place := range places {
		cases = append(cases, one(place, Kill))
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	for _, server := range []wire.Protocol{wire.Kafka, wire.Postgres, wire.Redis} {
		for kind := Kill + 1; kind < kinds; kind++ {
			fit := slices.DeleteFunc(slices.Clone(places), func(p Place) bool {
				other := kind == Zombie && server == wire.Postgres && (p.Message != "BEGIN" || p.Side != wire.Before)
				return p.Server != server || !kind.fits(p) || other
			})
			cases = append(cases, one(fit[rng.IntN(len(fit))], kind))
		}
	}
	return seeded(cases, seed)
}

// KillPairs are a kill at each place, and another at each place that then
// comes, while the engine recovers or goes on.
func KillPairs(seed uint64) (cases []Case) {
	for _, a := range sides(messages()) {
		for _, b := range sides(append(messages(), recoveries()...)) {
			if b.follows(a) {
				cases = append(cases, two(Step{a, Kill}, b, Kill))
			}
		}
	}
	return seeded(cases, seed)
}

// Settlings are faults that leave it open whether a COMMIT took effect, and
// another while the engine finds out.
func Settlings(seed uint64) (cases []Case) {
	for _, a := range sides(messages()) {
		for _, b := range sides([]Place{settling()}) {
			for _, first := range []Kind{Cut, Lose} {
				for _, then := range []Kind{Kill, Ghost, Cut, Lose} {
					if b.follows(a) && first.fits(a) && then.fits(b) {
						cases = append(cases, two(Step{a, first}, b, then))
					}
				}
			}
		}
	}
	return seeded(cases, seed)
}

// OtherPairs are n pairs of faults that are not two kills, drawn by the seed.
func OtherPairs(seed uint64, n int) []Case {
	var all []Case
	for _, a := range sides(messages()) {
		for _, b := range sides(messages()) {
			for ka := range kinds {
				for kb := range kinds {
					if ka.fits(a) && kb.fits(b) && (ka != Kill || kb != Kill) {
						all = append(all, two(Step{a, ka}, b, kb))
					}
				}
			}
		}
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return seeded(all[:min(n, len(all))], seed)
}

func one(p Place, k Kind) Case { return Case{Steps: []Step{{p, k}}} }

// two waits for the first occurrence of the second place: what comes while the
// engine recovers.
func two(first Step, place Place, kind Kind) Case {
	place.Nth = 1
	return Case{Steps: []Step{first, {place, kind}}}
}

// seeded gives each case events of its own.
func seeded(cases []Case, seed uint64) []Case {
	for i := range cases {
		cases[i].Seed = seed + uint64(i)
	}
	return cases
}
