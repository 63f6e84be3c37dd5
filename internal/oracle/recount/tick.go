package recount

import (
	"container/heap"
	"maps"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// tick is the tick that a partition is in.
type tick struct {
	cause schemas.Cause
	at    int64
}

// Step counts one step of the tick that Record found in a partition: of all
// who are due by then, the first limit users, those due earliest first, then
// by name. Whom it sees to is one version further, and gets the badges that
// his ages give him. The badge events, by user, are numbered from an ordinal.
//
// The first step of a tick moves the clock. A tick that is earlier than the
// clock has nothing to do.
func (r *Recount) Step(p Partition, first bool, limit, ordinal int64) (due int64, changes []schemas.BadgeEvent) {
	t := r.ticks[p]
	if first {
		r.clock = max(r.clock, t.at)
	}
	if t.at < r.clock {
		return 0, nil
	}
	seen := map[string]struct{}{}
	for due < limit {
		name, ok := r.aging.next(r.clock)
		if !ok {
			break
		}
		due++
		seen[name] = struct{}{}
	}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		r.aging.renew(name, r.clock)
		if r.whose != nil && !r.whose(name) {
			continue
		}
		u := r.user(name)
		u.Version++
		for i := range r.cat.Badges {
			if b := &r.cat.Badges[i]; looksAtAge(r.cat, b) && r.holds(b, u.Counters, r.clock) {
				changes = r.move(changes, u, b, true, t.cause, t.at)
			}
		}
	}
	return due, numbered(changes, ordinal)
}

// Left says whether the tick that a partition is in has left out somebody who
// is due. Of a tick that is earlier than the clock, another one takes care.
func (r *Recount) Left(p Partition) bool { return r.ticks[p].at == r.clock && r.aging.anybody(r.clock) }

// looksAtAge says whether a criterion looks at an age.
func looksAtAge(cat *catalog.Catalog, b *catalog.Badge) bool {
	for _, c := range b.All {
		if cat.Counters[c.Counter].Kind == catalog.Since {
			return true
		}
	}
	return false
}

// aging knows when each user's ages began, and who is due when. It knows so of
// everybody, also where only some users are counted: a step of a tick takes
// those who are due earliest of all.
type aging struct {
	thresholds map[int][]int64 // age's collection → the days that a badge asks for
	users      map[string]*aged
	queue      dates
}

type aged struct {
	since map[int]int64 // collection → when it began
	due   int64         // 0: never
}

func newAging(cat *catalog.Catalog) aging {
	a := aging{thresholds: map[int][]int64{}, users: map[string]*aged{}}
	for i := range cat.Collections {
		if cat.Collections[i].Kind != catalog.Age {
			continue
		}
		for b := range cat.Badges {
			for _, c := range cat.Badges[b].All {
				if c.Counter == cat.Collections[i].Counter {
					a.thresholds[i] = append(a.thresholds[i], c.Threshold)
				}
			}
		}
	}
	return a
}

// begin notes that an age begins, if it has not begun before.
func (a *aging) begin(collection int, name string, at, clock int64) {
	if len(a.thresholds[collection]) == 0 {
		return
	}
	u := a.users[name]
	if u == nil {
		name = strings.Clone(name)
		u = &aged{since: map[int]int64{}}
		a.users[name] = u
	}
	if _, begun := u.since[collection]; begun {
		return
	}
	if at == 0 {
		at = 1 // as in the counter
	}
	u.since[collection] = at
	if d := a.reaches(collection, at, clock); d != 0 && (u.due == 0 || d < u.due) {
		u.due = d
		heap.Push(&a.queue, date{d, name})
	}
}

// reaches is the first instant after the clock at which an age reaches a
// threshold, 0 if there is none. Until a tick came, there was none before 1970
// that counts: who reached it then, does so with the clock's first microsecond.
func (a *aging) reaches(collection int, since, clock int64) (first int64) {
	if since == 0 {
		return 0
	}
	for _, days := range a.thresholds[collection] {
		at := since + days*Day
		if at <= 0 && clock == 0 {
			at = 1
		}
		if at > clock && (first == 0 || at < first) {
			first = at
		}
	}
	return first
}

// renew sets when a user is due next.
func (a *aging) renew(name string, clock int64) {
	u := a.users[name]
	u.due = 0
	for collection, since := range u.since {
		if d := a.reaches(collection, since, clock); d != 0 && (u.due == 0 || d < u.due) {
			u.due = d
		}
	}
	if u.due != 0 {
		heap.Push(&a.queue, date{u.due, name})
	}
}

// next takes whoever is due earliest, if anybody is.
func (a *aging) next(clock int64) (string, bool) {
	if !a.anybody(clock) {
		return "", false
	}
	d := heap.Pop(&a.queue).(date)
	a.users[d.user].due = 0
	return d.user, true
}

func (a *aging) anybody(clock int64) bool {
	for len(a.queue) > 0 && a.users[a.queue[0].user].due != a.queue[0].at {
		heap.Pop(&a.queue) // another date holds by now
	}
	return len(a.queue) > 0 && a.queue[0].at <= clock
}

// Due is when a user is due next, 0 for never.
func (r *Recount) Due(name string) int64 {
	if u := r.aging.users[name]; u != nil {
		return u.due
	}
	return 0
}

// dates is a heap of who is due when.
type dates []date

type date struct {
	at   int64
	user string
}

func (d dates) Len() int { return len(d) }
func (d dates) Less(i, j int) bool {
	return d[i].at < d[j].at || d[i].at == d[j].at && d[i].user < d[j].user
}
func (d dates) Swap(i, j int) { d[i], d[j] = d[j], d[i] }

// Push is heap.Interface's.
func (d *dates) Push(x any) { *d = append(*d, x.(date)) }

// Pop is heap.Interface's.
func (d *dates) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}
