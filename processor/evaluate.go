package processor

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/badgestream/badgestream/internal/catalog"
)

// evaluation is the scratch space for looking at one user.
type evaluation struct {
	now, low, high []int64 // per counter
	touched        []int
	badges         []int  // candidates at one event
	was            []bool // whether each of them was held before it
	mark           []int32
	stamp          int32
}

func newEvaluation(cat *catalog.Catalog) evaluation {
	n := len(cat.Counters)
	return evaluation{now: make([]int64, n), low: make([]int64, n), high: make([]int64, n), mark: make([]int32, len(cat.Badges))}
}

// moves is what happens to one user's badges.
type moves struct {
	held    []Held
	changed bool // held is a copy
	hand    *ByHand
	decided bool // hand is another one
	user    int32
	event   int32 // the one looked at, and the user's version after it
	version int64
}

// evaluate walks a user's acts, if any criterion may have moved or somebody
// decided, and returns what happened to the user's badges.
func (b *Batch) evaluate(s *userSpan, row *UserRow) moves {
	if s.due != nil {
		return b.evaluateDue(s, row)
	}
	acts := b.sorted[s.from:s.to]
	m := moves{held: row.Held, hand: row.ByHand, user: s.user, version: row.Version - s.events}
	if !s.decided && !b.mayCross(acts, s.add, row.Counters) {
		return m
	}
	e := &b.eval
	for c := range e.now {
		e.now[c] = row.Counters[c] - s.add[c]
	}
	for i := 0; i < len(acts); {
		event, from := acts[i].event, i
		for ; i < len(acts) && acts[i].event == event; i++ {
		}
		m.event, m.version = event, m.version+1
		if acts[from].counter == byHand {
			b.decide(&m, &b.decisions[acts[from].delta-1], e.now)
			continue
		}
		b.candidates(acts[from:i])
		e.was = e.was[:0]
		for _, badge := range e.badges {
			e.was = append(e.was, b.holds(badge, e.now, b.clock))
		}
		for _, a := range acts[from:i] {
			e.now[a.counter] += a.delta
		}
		for k, badge := range e.badges {
			if is := b.holds(badge, e.now, b.clock); is != e.was[k] {
				b.move(&m, badge, is, e.now)
			}
		}
	}
	return m
}

// mayCross reports whether a criterion may have changed: whether a threshold
// lies in the range that a counter ran through.
func (b *Batch) mayCross(acts []userAct, add, final []int64) bool {
	e := &b.eval
	e.touched = e.touched[:0]
	for _, a := range acts {
		c := int(a.counter)
		if !slices.Contains(e.touched, c) {
			e.touched = append(e.touched, c)
			e.now[c] = final[c] - add[c]
			e.low[c], e.high[c] = e.now[c], e.now[c]
		}
		e.now[c] += a.delta
		e.low[c], e.high[c] = min(e.low[c], e.now[c]), max(e.high[c], e.now[c])
	}
	for _, c := range e.touched {
		counter := &b.cat.Counters[c]
		if counter.Kind == catalog.Since {
			if len(counter.Steps) > 0 {
				return true
			}
			continue
		}
		if lo, hi := crossed(counter.Steps, e.low[c], e.high[c]); lo < hi {
			return true
		}
		for _, badge := range counter.Ratios {
			if b.ratioMatters(badge, final) {
				return true
			}
		}
	}
	return false
}

// ratioMatters reports whether all plain conditions beside a ratio were true
// at some moment of the batch: else the criterion was false throughout.
func (b *Batch) ratioMatters(badge int, final []int64) bool {
	e := &b.eval
	for _, c := range b.cat.Badges[badge].All {
		if c.Kind != catalog.AtLeast || b.cat.Counters[c.Counter].Kind == catalog.Since {
			continue
		}
		highest := final[c.Counter]
		if slices.Contains(e.touched, c.Counter) {
			highest = e.high[c.Counter]
		}
		if highest < c.Threshold {
			return false
		}
	}
	return true
}

// crossed returns the steps [lo, hi) with low < At ≤ high.
func crossed(steps []catalog.Step, low, high int64) (lo, hi int) {
	above := func(s catalog.Step, v int64) int {
		if s.At <= v {
			return -1
		}
		return 1
	}
	lo, _ = slices.BinarySearchFunc(steps, low, above)
	hi = lo
	for hi < len(steps) && steps[hi].At <= high {
		hi++
	}
	return lo, hi
}

// candidates collects, in display order, the badges with a condition that an
// event's acts may have moved.
func (b *Batch) candidates(acts []userAct) {
	e := &b.eval
	e.badges = e.badges[:0]
	e.stamp++
	for _, a := range acts {
		counter := &b.cat.Counters[a.counter]
		was := e.now[a.counter]
		lo, hi := crossed(counter.Steps, min(was, was+a.delta), max(was, was+a.delta))
		if counter.Kind == catalog.Since {
			lo, hi = 0, len(counter.Steps)
		}
		for _, s := range counter.Steps[lo:hi] {
			b.candidate(s.Badges)
		}
		b.candidate(counter.Ratios)
	}
	slices.Sort(e.badges)
}

func (b *Batch) candidate(badges []int) {
	for _, badge := range badges {
		if b.eval.mark[badge] != b.eval.stamp {
			b.eval.mark[badge] = b.eval.stamp
			b.eval.badges = append(b.eval.badges, badge)
		}
	}
}

// holds reports whether the badge's criterion is true.
func (b *Batch) holds(badge int, counters []int64, clock int64) bool {
	for _, c := range b.cat.Badges[badge].All {
		if !b.fulfilled(c, counters, clock) {
			return false
		}
	}
	return true
}

func (b *Batch) fulfilled(c catalog.Condition, counters []int64, clock int64) bool {
	v := counters[c.Counter]
	if c.Kind == catalog.Ratio {
		return reaches(v, counters[c.Whole], c.Threshold)
	}
	if b.cat.Counters[c.Counter].Kind == catalog.Since {
		v = Days(v, clock)
	}
	return v >= c.Threshold
}

// reaches reports whether part/whole is at least a threshold in hundredths of a
// percent, of sums whose products need 128 bits. What is below 0 is 0 percent.
func reaches(part, whole, threshold int64) bool {
	if whole <= 0 || part < 0 {
		return false
	}
	hi, lo := bits.Mul64(uint64(part), 10_000)
	high, low := bits.Mul64(uint64(whole), uint64(threshold))
	return hi > high || hi == high && lo >= low
}

// move awards or revokes a badge by the rules: not one about which somebody
// decided, and what is sticky is not revoked.
func (b *Batch) move(m *moves, badge int, is bool, counters []int64) {
	if def := &b.cat.Badges[badge]; !m.hand.Decides(def.ID) && (is || !def.Sticky) {
		b.change(m, badge, is, counters, false)
	}
}

// change awards or revokes a badge. Awarding what is held and revoking what is
// not changes nothing.
func (b *Batch) change(m *moves, badge int, is bool, counters []int64, manual bool) {
	def := &b.cat.Badges[badge]
	at, has := slices.BinarySearchFunc(m.held, def.ID, func(h Held, id int16) int { return int(h.Badge) - int(id) })
	if is == has {
		return
	}
	if !m.changed {
		m.held, m.changed = slices.Clone(m.held), true
	}
	c := Change{User: b.users.all[m.user], Badge: badge, Revoked: !is, Source: b.events[m.event], Ordinal: int64(m.event),
		EarnedAt: b.events[m.event].Time, Version: m.version, Counters: b.evidence(badge, counters), ByHand: manual}
	if is {
		m.held = slices.Insert(m.held, at, Held{def.ID, c.EarnedAt})
	} else {
		c.EarnedAt = m.held[at].At
		m.held = slices.Delete(m.held, at, at+1)
	}
	b.changes = append(b.changes, c)
}

// numberChanges brings the changes into their order and numbers those of each
// record. Until then Ordinal holds the event's number.
func (b *Batch) numberChanges() {
	slices.SortFunc(b.changes, func(x, y Change) int {
		return cmp.Or(cmp.Compare(x.Ordinal, y.Ordinal), cmp.Compare(x.User, y.User), cmp.Compare(x.Badge, y.Badge))
	})
	event, next := int64(-1), int64(0)
	for i := range b.changes {
		c := &b.changes[i]
		if c.Ordinal != event {
			event, next = c.Ordinal, b.first[c.Ordinal]
		}
		c.Ordinal = next
		next++
	}
}
