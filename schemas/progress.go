package schemas

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// Progress is all that there is to say about a user's badges: each badge of
// the catalogue is in one of the three lists, in display order. It marshals
// with encoding/json.
type Progress struct {
	User       string       `json:"user"`
	Counters   Numbers      `json:"counters"` // all of them; ages in whole days
	Earned     []Earned     `json:"earned"`
	InProgress []InProgress `json:"in_progress"`
	Locked     []string     `json:"locked"` // slugs
}

// Progress fills in what the snapshot leaves out: zeros, the ages at now (in
// Unix microseconds) with the badges that depend on them alone, and what is
// locked. The catalogue decides the order. Badges that the catalogue does not
// have any more stay earned, after the others.
func (s *Snapshot) Progress(v *CatalogView, now int64) Progress {
	p := Progress{
		User:       s.User,
		Counters:   make(Numbers, 0, len(v.Counters)),
		Earned:     slices.Clone(s.Earned),
		InProgress: make([]InProgress, 0, len(s.InProgress)),
		Locked:     []string{},
	}
	ages := s.ages(v, now)
	for _, name := range v.Counters {
		n, ok := ages[name]
		if !ok {
			n = s.counter(name)
		}
		p.Counters = append(p.Counters, Number{Name: name, Value: n})
	}
	held := make(map[string]bool, len(s.Earned))
	for i := range s.Earned {
		held[s.Earned[i].Badge] = true
	}
	if p.Earned == nil {
		p.Earned = []Earned{}
	}
	place := make(map[string]int, len(v.Badges))
	for i := range v.Badges {
		place[v.Badges[i].Slug] = i
	}
	slices.SortStableFunc(p.Earned, func(a, b Earned) int {
		return cmp.Compare(placeOf(place, a.Badge), placeOf(place, b.Badge))
	})
	next := s.next(v, held, ages)
	for i := range v.Badges {
		slug := v.Badges[i].Slug
		if step, ok := next[slug]; ok {
			p.InProgress = append(p.InProgress, step)
		} else if !held[slug] {
			p.Locked = append(p.Locked, slug)
		}
	}
	return p
}

func placeOf(place map[string]int, slug string) int {
	if i, ok := place[slug]; ok {
		return i
	}
	return math.MaxInt
}

func (s *Snapshot) counter(name string) int64 {
	for i := range s.Counters {
		if s.Counters[i].Name == name {
			return s.Counters[i].Value
		}
	}
	return 0
}

// ages gives the whole days of each age at now, 0 of one that has not begun.
func (s *Snapshot) ages(v *CatalogView, now int64) map[string]int64 {
	const day = 24 * 3600 * 1_000_000
	ages := make(map[string]int64, len(v.Ages))
	for _, name := range v.Ages {
		ages[name] = 0
	}
	for _, since := range s.Since {
		if _, ok := ages[since.Name]; ok {
			ages[since.Name] = max(0, (now-since.At)/day)
		}
	}
	return ages
}

// next gives what is in progress, at most one badge of a group: the snapshot's,
// or a badge of ages alone that comes before it.
func (s *Snapshot) next(v *CatalogView, held map[string]bool, ages map[string]int64) map[string]InProgress {
	known := make(map[string]InProgress, len(s.InProgress))
	for _, step := range s.InProgress {
		known[step.Badge] = step
	}
	thresholds := make(map[string][]Threshold, len(v.Badges))
	for i := range v.Badges {
		thresholds[v.Badges[i].Slug] = v.Badges[i].Thresholds
	}
	next := make(map[string]InProgress, len(v.Groups))
	for i := range v.Groups {
		for _, slug := range v.Groups[i].Badges {
			if held[slug] {
				continue
			}
			step, ok := known[slug]
			if !ok {
				step, ok = ageStep(slug, thresholds[slug], ages)
			}
			if ok {
				next[slug] = step
				break
			}
		}
	}
	return next
}

// ageStep gives the progress of a badge whose conditions are all ages, if it
// is in progress: its least advanced condition, the first on a tie.
func ageStep(slug string, conditions []Threshold, ages map[string]int64) (InProgress, bool) {
	var least InProgress
	for i, c := range conditions {
		days, ok := ages[c.Label]
		if !ok {
			return InProgress{}, false
		}
		step := InProgress{Badge: slug, Value: days, Threshold: int64(c.AtLeast)}
		if i == 0 || lessAdvanced(step, least) {
			least = step
		}
	}
	if least.Value <= 0 || least.Value >= least.Threshold {
		return InProgress{}, false
	}
	least.Percent = 100 * least.Value / least.Threshold
	return least, true
}

// lessAdvanced compares value/threshold of two steps, exactly.
func lessAdvanced(a, b InProgress) bool {
	aHigh, aLow := bits.Mul64(uint64(a.Value), uint64(b.Threshold))
	bHigh, bLow := bits.Mul64(uint64(b.Value), uint64(a.Threshold))
	return aHigh < bHigh || aHigh == bHigh && aLow < bLow
}
