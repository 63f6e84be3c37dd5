package processor

import (
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
)

const day = 24 * 60 * 60 * 1_000_000

// Days is the value of an age: the whole days from its beginning to the
// clock, 0 before either is known. Both are Unix microseconds.
func Days(since, clock int64) int64 {
	if since == 0 || clock == 0 || clock < since {
		return 0
	}
	return (clock - since) / day
}

// began is the instant from which an age counts. In the row, 0 is none: an age
// that begins at 1970-01-01T00:00:00Z to the microsecond counts from the next.
func began(at int64) int64 {
	if at == 0 {
		return 1
	}
	return at
}

// AddDue makes the batch one step of a tick: the users whom the present makes
// due, with the tick as the event that does it. The step's changes are
// numbered from ordinal. Such a batch holds nothing else; the clock must be
// at the tick's time or later.
func (b *Batch) AddDue(due []Due, src Source, ordinal int64) {
	b.event(src, ordinal)
	b.due = slices.Clone(due)
	slices.SortFunc(b.due, func(x, y Due) int { return strings.Compare(x.User, y.User) })
	for i := range b.due {
		b.users.number(b.due[i].User, &b.texts)
	}
}

// dueUsers names the rows of a tick's step: each user's version rises by the
// tick, and the next instant is set at which he is due again.
func (b *Batch) dueUsers() []UserOp {
	b.byRank = b.users.order(b.byRank, &b.sort)
	ops := make([]UserOp, len(b.due))
	none := make([]int64, len(b.cat.Counters))
	for i := range b.due {
		d := &b.due[i]
		b.ranked = append(b.ranked, userSpan{user: b.byRank[i], events: 1, due: d})
		ops[i] = UserOp{User: d.User, Events: 1, Add: none, DueAt: b.nextDue(d.Counters), SetDue: true}
	}
	return ops
}

// nextDue is the first instant after the clock at which an age reaches a
// threshold, 0 if there is none. The counters hold when each age began. Before
// the first tick nobody is due, however old: what was reached before 1970 is due
// with the first microsecond of a clock.
func (b *Batch) nextDue(counters []int64) int64 {
	next := int64(0)
	for _, c := range b.cat.Ages {
		since := counters[c]
		if since == 0 {
			continue
		}
		for _, s := range b.cat.Counters[c].Steps {
			at := since + s.At*day
			if b.clock == 0 {
				at = max(at, 1)
			}
			if at > b.clock {
				if next == 0 || at < next {
					next = at
				}
				break
			}
		}
	}
	return next
}

// dueSince is nextDue for the ages that the batch itself began, 0 if none.
func (b *Batch) dueSince(s *userSpan) int64 {
	if !b.cat.HasAgeBadges {
		return 0
	}
	return b.nextDue(s.add)
}

// evaluateDue looks at the badges that depend on an age: what was true just
// before the user was due, and what is true now.
func (b *Batch) evaluateDue(s *userSpan, row *UserRow) moves {
	e := &b.eval
	e.badges = e.badges[:0]
	e.stamp++
	for _, c := range b.cat.Ages {
		for _, step := range b.cat.Counters[c].Steps {
			b.candidate(step.Badges)
		}
	}
	slices.Sort(e.badges)
	m := moves{held: row.Held, hand: row.ByHand, user: s.user, event: 0, version: row.Version}
	for _, badge := range e.badges {
		if is := b.holds(badge, row.Counters, b.clock); is != b.holds(badge, row.Counters, s.due.DueAt-1) {
			b.move(&m, badge, is, row.Counters)
		}
	}
	return m
}

// evidence is the values of the criterion's counters, ages in days.
func (b *Batch) evidence(badge int, counters []int64) []int64 {
	indexes := b.cat.CriterionCounters(badge)
	values := make([]int64, len(indexes))
	for i, n := range indexes {
		values[i] = counters[n]
		if b.cat.Counters[n].Kind == catalog.Since {
			values[i] = Days(counters[n], b.clock)
		}
	}
	return values
}
