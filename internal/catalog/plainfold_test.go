package catalog

import (
	"maps"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/schemas"
)

// plainFold is what a catalogue means, one event at a time and as plainly as
// it can be said: after each event, the counters of those credited are
// counted anew from all their rows.
type plainFold struct {
	cat    *Catalog
	users  map[string]*plainUser
	places map[int]int64 // per First collection: how many were drawn
	seen   map[[2]string]bool
	clock  int64
	awards []plainAward
}

type plainUser struct {
	rows   map[plainKey]*plainRow
	totals map[int]int64 // counters without rows
	held   map[int]int64 // badge → when
}

type plainKey struct {
	collection     int
	entity, member string
}

type plainRow struct {
	state int64 // -1 dead, 0 absent, else the code
	at    int64
	place int64
}

type plainAward struct {
	revoked            bool
	user, badge, event string
	at                 int64
}

func newPlainFold(cat *Catalog) *plainFold {
	return &plainFold{cat: cat, users: map[string]*plainUser{}, places: map[int]int64{}, seen: map[[2]string]bool{}}
}

// line folds one line of a file; it returns false if it is rejected.
func (f *plainFold) line(text []byte) bool {
	var ev schemas.Event
	if schemas.DecodeStructured(text, &ev) != nil {
		return false
	}
	i, known := f.cat.Types[ev.Type]
	if !known {
		return true
	}
	def := &f.cat.Events[i]
	vals := make([]schemas.Value, len(def.Shape.Fields))
	if !ev.HasTime || def.Shape.Decode(&ev, vals) != nil {
		return false
	}
	if id := [2]string{strings.Clone(ev.Source), strings.Clone(ev.ID)}; f.seen[id] {
		return true
	} else {
		f.seen[id] = true
	}
	touched := map[string]bool{}
	for r := range def.Rules {
		f.rule(&def.Rules[r], &ev, vals, touched)
	}
	if def.Tick && ev.Time > f.clock {
		f.clock = ev.Time
		for user := range f.users {
			touched[user] = true
		}
	}
	for _, user := range slices.Sorted(maps.Keys(touched)) {
		f.judge(user, &ev)
	}
	return true
}

func (f *plainFold) rule(r *Rule, ev *schemas.Event, vals []schemas.Value, touched map[string]bool) {
	str := func(ref Ref) string {
		switch ref {
		case RefNone:
			return ""
		case RefSubject:
			return strings.Clone(ev.Subject)
		}
		return strings.Clone(vals[ref].S)
	}
	user := str(r.Credit)
	if _, system := f.cat.System[user]; system {
		return
	}
	for _, pair := range r.Unless {
		if str(pair[0]) == str(pair[1]) {
			return
		}
	}
	u := f.users[user]
	if u == nil {
		u = &plainUser{rows: map[plainKey]*plainRow{}, totals: map[int]int64{}, held: map[int]int64{}}
		f.users[user] = u
	}
	touched[user] = true
	value := r.Value
	if r.ValueFrom >= 0 {
		value += vals[r.ValueFrom].N
	}
	if r.Op == OpCount {
		if r.Negate {
			value = -value
		}
		u.totals[r.Counter] += value
		return
	}
	key := plainKey{r.Collection, str(r.Entity), str(r.Member)}
	row := u.rows[key]
	if row == nil {
		row = &plainRow{at: -1 << 62}
		u.rows[key] = row
	}
	col := &f.cat.Collections[r.Collection]
	if row.state < 0 || col.ByTime && ev.Time < row.at {
		return
	}
	row.change(r.Op, value, ev.Time, col.ByTime)
	if col.Kind == First && row.place == 0 {
		f.places[r.Collection]++
		row.place = f.places[r.Collection]
	}
}

func (row *plainRow) change(op Op, value, at int64, byTime bool) {
	before := row.state
	switch {
	case op == OpSet, op == OpInsert && before == 0, op == OpUpdate && before > 0:
		row.state = value
	case op == OpUnset:
		row.state = 0
	case op == OpDelete:
		row.state = -1
	}
	if byTime || before == 0 && row.state > 0 {
		row.at = at
	}
}

// counters counts a user's rows. Of an age it gives the days.
func (f *plainFold) counters(u *plainUser) []int64 {
	out := make([]int64, len(f.cat.Counters))
	for c, n := range u.totals {
		out[c] += n
	}
	type thing struct {
		collection int
		id         string
	}
	sums := map[thing]*[MaxSums]int64{}
	things := map[thing]bool{}
	for key, row := range u.rows {
		col := &f.cat.Collections[key.collection]
		switch {
		case col.Kind == Entities:
			things[thing{key.collection, key.entity}] = true
			continue
		case row.state <= 0:
			continue
		case col.Kind == First && row.place <= col.Places:
			out[col.Counter] = 1
		case col.Kind == Age && f.clock > 0:
			out[col.Counter] = max(0, (f.clock-row.at)/(24*3600*1_000_000))
		}
		add := out
		if col.Parent != None {
			t := thing{col.Parent, key.entity}
			things[t] = true
			if sums[t] == nil {
				sums[t] = new([MaxSums]int64)
			}
			add = sums[t][:]
		}
		for _, w := range col.Weights {
			switch {
			case w.Kind == WeightPresent, w.Kind == WeightEquals && row.state == w.Code:
				add[w.Target]++
			case w.Kind == WeightValue:
				add[w.Target] += row.state + w.Offset
			}
		}
	}
	for t := range things {
		row, sum := u.rows[plainKey{t.collection, t.id, ""}], sums[t]
		if row == nil {
			row = &plainRow{}
		}
		if sum == nil {
			sum = new([MaxSums]int64)
		}
		if row.state < 0 {
			continue
		}
		for _, term := range f.cat.Collections[t.collection].Terms {
			switch {
			case term.Kind == TermPresent && row.state > 0:
				out[term.Counter]++
			case term.Kind == TermSum:
				out[term.Counter] += sum[term.Sum]
			case term.Kind == TermMean && sum[term.Count] > 0 && meanReaches(sum[term.Sum], sum[term.Count], term):
				out[term.Counter]++
			}
		}
	}
	return out
}

// meanReaches rounds half up by way of the floor of twice the mean.
func meanReaches(sum, count int64, t Term) bool {
	for range t.Decimals {
		sum *= 10
	}
	rounded := (2*sum + count) / (2 * count)
	return rounded >= t.AtLeast
}

func (f *plainFold) judge(user string, ev *schemas.Event) {
	u := f.users[user]
	n := f.counters(u)
	for i := range f.cat.Badges {
		b := &f.cat.Badges[i]
		reached := true
		for _, cond := range b.All {
			if cond.Kind == AtLeast {
				reached = reached && n[cond.Counter] >= cond.Threshold
			} else {
				reached = reached && n[cond.Whole] > 0 && n[cond.Counter]*10_000 >= cond.Threshold*n[cond.Whole]
			}
		}
		_, has := u.held[i]
		if reached == has || has && b.Sticky {
			continue
		}
		if reached {
			u.held[i] = ev.Time
		} else {
			delete(u.held, i)
		}
		f.awards = append(f.awards, plainAward{!reached, user, b.Slug, strings.Clone(ev.ID), ev.Time})
	}
}
