package recount

import (
	"math"
	"math/big"
	"slices"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// Progress is all that there is to say about a user's badges, with ages by the
// clock of the latest tick.
func (r *Recount) Progress(u *User) schemas.Progress {
	p := schemas.Progress{User: u.Name, Earned: r.earned(r.cat, u), InProgress: []schemas.InProgress{}, Locked: []string{}}
	for i := range r.cat.Counters {
		p.Counters = append(p.Counters, schemas.Number{Name: r.cat.Counters[i].Name, Value: r.shown(u, i)})
	}
	aims := map[string]schemas.InProgress{}
	for _, step := range r.inProgress(r.cat, u, true) {
		aims[step.Badge] = step
	}
	for i := range r.cat.Badges {
		slug := r.cat.Badges[i].Slug
		if _, held := u.Held[slug]; held {
			continue
		}
		if step, aim := aims[slug]; aim {
			p.InProgress = append(p.InProgress, step)
		} else {
			p.Locked = append(p.Locked, slug)
		}
	}
	return p
}

// Snapshot is what Redis should hold of a user, written by a version of the
// catalogue, which decides the order of badges. Badges that look at an age are
// not in progress there: readers add those.
func (r *Recount) Snapshot(u *User, epoch int64, cat *catalog.Catalog, version int64) schemas.Snapshot {
	s := schemas.Snapshot{User: u.Name, Epoch: epoch, Version: u.Version, Catalog: version, Earned: r.earned(cat, u), InProgress: r.inProgress(cat, u, false), Pins: u.pins()}
	for i := range cat.Counters {
		c := &cat.Counters[i]
		n := u.Counters[r.index(c.Name)]
		switch {
		case n == 0:
		case c.Kind == catalog.Since:
			s.Since = append(s.Since, schemas.Instant{Name: c.Name, At: n})
		default:
			s.Counters = append(s.Counters, schemas.Number{Name: c.Name, Value: n})
		}
	}
	return s
}

func (r *Recount) earned(cat *catalog.Catalog, u *User) []schemas.Earned {
	list := []schemas.Earned{}
	for i := range cat.Badges {
		if at, held := u.Held[cat.Badges[i].Slug]; held {
			list = append(list, schemas.Earned{Badge: cat.Badges[i].Slug, At: at})
		}
	}
	return list
}

// index is where this recount's catalogue has a counter.
func (r *Recount) index(counter string) int {
	return slices.IndexFunc(r.cat.Counters, func(c catalog.Counter) bool { return c.Name == counter })
}

// shown is a counter's value, of an age in days.
func (r *Recount) shown(u *User, counter int) int64 {
	if r.cat.Counters[counter].Kind == catalog.Since {
		return days(u.Counters[counter], r.clock)
	}
	return u.Counters[counter]
}

// inProgress is, of each category and criterion, the first badge that is not
// held, and is begun and not reached.
func (r *Recount) inProgress(cat *catalog.Catalog, u *User, ages bool) []schemas.InProgress {
	list := []schemas.InProgress{}
	done := map[[2]string]bool{}
	for i := range cat.Badges {
		b := &cat.Badges[i]
		group := [2]string{b.Category, b.Criterion}
		if _, held := u.Held[b.Slug]; held || u.away(b) || done[group] || !ages && looksAtAge(cat, b) {
			continue
		}
		if step := r.least(cat, u, b); step.Value > 0 && step.Value < step.Threshold {
			step.Percent = percentage(step.Value, step.Threshold)
			list = append(list, step)
			done[group] = true
		}
	}
	return list
}

// least is the condition that is least advanced, the first on a tie.
func (r *Recount) least(cat *catalog.Catalog, u *User, b *catalog.Badge) (least schemas.InProgress) {
	for i, c := range b.All {
		step := schemas.InProgress{Badge: b.Slug, Value: r.shown(u, r.index(cat.Counters[c.Counter].Name)), Threshold: c.Threshold}
		if c.Kind == catalog.Ratio {
			step.Threshold = c.Threshold / 100
			step.Value = percentage(step.Value, u.Counters[r.index(cat.Counters[c.Whole].Name)])
		}
		if i == 0 || lower(step, least) {
			least = step
		}
	}
	return least
}

// percentage is part of whole in percent, rounded down; 0 of nothing, and of what
// is below 0. More than an int64 holds is the most that it does.
func percentage(part, whole int64) int64 {
	if part <= 0 || whole <= 0 {
		return 0
	}
	n := new(big.Int).Mul(big.NewInt(part), big.NewInt(100))
	if n.Div(n, big.NewInt(whole)); n.IsInt64() {
		return n.Int64()
	}
	return math.MaxInt64
}

// lower compares value/threshold exactly; what is below 0 counts as 0.
func lower(a, b schemas.InProgress) bool {
	left := new(big.Int).Mul(big.NewInt(max(0, a.Value)), big.NewInt(b.Threshold))
	right := new(big.Int).Mul(big.NewInt(max(0, b.Value)), big.NewInt(a.Threshold))
	return left.Cmp(right) < 0
}
