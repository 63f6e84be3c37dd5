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

// Progress is what a Completer of the view says of the snapshot. Who completes
// more than one keeps the Completer.
func (s *Snapshot) Progress(v *CatalogView, now int64) Progress {
	return NewCompleter(v).Progress(s, now)
}

// Progress fills in what the snapshot leaves out: zeros, the ages at now (in
// Unix microseconds) with the badges that depend on them, and what is locked. The catalogue decides the order. Badges that the catalogue does not
// have any more stay earned, after the others.
func (c *Completer) Progress(s *Snapshot, now int64) Progress {
	days, marks := c.days(s.Since, now), make([]mark, len(c.aged))
	p := Progress{
		User:     s.User,
		Counters: c.numbers(s.Counters, days),
		Earned:   c.earned(s.Earned, marks),
		Locked:   make([]string, 0, len(c.view.Badges)),
	}
	steps := c.choose(s.InProgress, p.Counters, days, marks)
	p.InProgress = make([]InProgress, 0, len(steps))
	for i := range c.view.Badges {
		switch m := marks[i]; {
		case m.next:
			p.InProgress = append(p.InProgress, steps[m.step-1])
		case !m.held:
			p.Locked = append(p.Locked, c.view.Badges[i].Slug)
		}
	}
	return p
}

// mark is what is known of one badge.
type mark struct {
	held bool
	step int32 // which of the steps, from 1 on; 0 is none
	next bool  // the step is the one of its group
}

// days gives the whole days of each age at now, 0 of one that has not begun.
func (c *Completer) days(since Instants, now int64) []int64 {
	const day = 24 * 3600 * 1_000_000
	days := make([]int64, len(c.ageAt))
	for i := range since {
		if age, ok := c.ages[since[i].Name]; ok {
			days[age] = max(0, (now-since[i].At)/day)
		}
	}
	return days
}

// numbers gives all counters and ages.
func (c *Completer) numbers(known Numbers, days []int64) Numbers {
	all := append(make(Numbers, 0, len(c.zero)), c.zero...)
	for i := range known {
		if at, ok := c.counters[known[i].Name]; ok {
			all[at].Value = known[i].Value
		}
	}
	for age, at := range c.ageAt {
		if at >= 0 {
			all[at].Value = days[age]
		}
	}
	return all
}

// earned copies what is earned into display order, and marks it. It is sorted
// only where the catalogue has changed since the snapshot.
func (c *Completer) earned(list []Earned, marks []mark) []Earned {
	last, sorted := 0, true
	for i := range list {
		at, ok := c.badges[list[i].Badge]
		if ok {
			marks[at].held = true
		} else {
			at = len(marks)
		}
		last, sorted = at, sorted && last <= at
	}
	list = append(make([]Earned, 0, len(list)), list...)
	if !sorted {
		slices.SortStableFunc(list, func(a, b Earned) int { return cmp.Compare(c.shownAt(a.Badge), c.shownAt(b.Badge)) })
	}
	return list
}

func (c *Completer) shownAt(slug string) int {
	if at, ok := c.badges[slug]; ok && at < len(c.view.Badges) {
		return at
	}
	return math.MaxInt
}

// choose marks what is in progress, at most one badge of a group: the
// snapshot's, or a badge that depends on an age and comes before it. It gives
// the steps that the marks tell of.
func (c *Completer) choose(known []InProgress, counters Numbers, days []int64, marks []mark) []InProgress {
	steps := slices.Clip(known)
	for i := range known {
		if at, ok := c.badges[known[i].Badge]; ok {
			marks[at].step = int32(i + 1)
		}
	}
	for _, group := range c.groups {
		for _, at := range group {
			m := &marks[at]
			if m.held {
				continue
			}
			if m.step == 0 {
				if step, ok := agedStep(c.aged[at], counters, days); ok {
					step.Badge = c.view.Badges[at].Slug
					steps = append(steps, step)
					m.step = int32(len(steps))
				}
			}
			if m.step != 0 {
				m.next = true
				break
			}
		}
	}
	return steps
}

// agedStep gives the progress of a badge that depends on an age, if it is in
// progress: its least advanced condition, the first on a tie.
func agedStep(conditions []agedCondition, counters Numbers, days []int64) (InProgress, bool) {
	var least InProgress
	for i, c := range conditions {
		step := InProgress{Value: c.value(counters, days), Threshold: c.threshold}
		if i == 0 || lessAdvanced(step, least) {
			least = step
		}
	}
	if least.Value <= 0 || least.Value >= least.Threshold {
		return InProgress{}, false
	}
	least.Percent = Percent(least.Value, least.Threshold)
	return least, true
}

// lessAdvanced compares value/threshold of two steps, exactly. What is below 0
// counts as 0.
func lessAdvanced(a, b InProgress) bool {
	aHigh, aLow := bits.Mul64(uint64(max(0, a.Value)), uint64(max(0, b.Threshold)))
	bHigh, bLow := bits.Mul64(uint64(max(0, b.Value)), uint64(max(0, a.Threshold)))
	return aHigh < bHigh || aHigh == bHigh && aLow < bLow
}

// Percent is part as a percentage of whole, rounded down, of sums whose product
// needs 128 bits. What is below 0 is none, as is all of nothing; what is more
// than an int64 holds is the most.
func Percent(part, whole int64) int64 {
	if part <= 0 || whole <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(part), 100)
	if hi >= uint64(whole) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(whole))
	return int64(min(q, math.MaxInt64))
}
