package recount

import (
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// event is the event at hand, with the counters that those whom it credits had
// before it.
type event struct {
	*schemas.Event
	values []schemas.Value
	before map[string][]int64
}

// text is what a rule's reference means.
func (e *event) text(ref catalog.Ref) string {
	switch ref {
	case catalog.RefNone:
		return ""
	case catalog.RefSubject:
		return e.Subject
	}
	return e.values[ref].S
}

// rule does what one rule says.
func (r *Recount) rule(rule *catalog.Rule, e *event) {
	name := e.text(rule.Credit)
	if _, system := r.cat.System[name]; system || r.gone(name) {
		return
	}
	for _, pair := range rule.Unless {
		if e.text(pair[0]) == e.text(pair[1]) {
			return
		}
	}
	var col *catalog.Collection
	if rule.Op != catalog.OpCount {
		col = &r.cat.Collections[rule.Collection]
		// Places and dates are everybody's: who else was first, and who else is
		// due, decides about those who are counted.
		switch col.Kind {
		case catalog.First:
			r.draw(rule.Collection, name)
		case catalog.Age:
			r.aging.begin(rule.Collection, name, e.Time, r.clock)
		}
	}
	if r.whose != nil && !r.whose(name) {
		return
	}
	u := r.user(name)
	if _, touched := e.before[u.Name]; !touched {
		e.before[u.Name] = slices.Clone(u.Counters)
	}
	value := rule.Value
	if rule.ValueFrom >= 0 {
		value += e.values[rule.ValueFrom].N
	}
	switch {
	case rule.Op == catalog.OpCount && rule.Negate:
		u.Counters[rule.Counter] -= value
	case rule.Op == catalog.OpCount:
		u.Counters[rule.Counter] += value
	case col.Kind == catalog.Entities:
		r.changeThing(u, rule, e)
	default:
		r.changeRow(u, rule, e, value)
	}
}

func (r *Recount) user(name string) *User {
	u := r.users[name]
	if u == nil {
		name = strings.Clone(name)
		u = &User{Name: name, Counters: make([]int64, len(r.cat.Counters)), Held: map[string]int64{}, Settled: Settled{}, Rows: map[RowKey]*Row{}, Things: map[ThingKey]*Thing{}}
		r.users[name] = u
	}
	return u
}

// draw gives the user a place, if he has none and one is left.
func (r *Recount) draw(collection int, name string) {
	if r.first[collection] == nil {
		r.first[collection] = map[string]struct{}{}
	}
	drawn := r.first[collection]
	if _, has := drawn[name]; !has && int64(len(drawn)) < r.cat.Collections[collection].Places {
		drawn[strings.Clone(name)] = struct{}{}
	}
}

// changeRow changes a member's state: what it added before is taken away, and
// what it adds then is added.
func (r *Recount) changeRow(u *User, rule *catalog.Rule, e *event, value int64) {
	key := RowKey{rule.Collection, e.text(rule.Entity), e.text(rule.Member)}
	row := u.Rows[key]
	if row == nil {
		key.Entity, key.Member = strings.Clone(key.Entity), strings.Clone(key.Member)
		row = &Row{}
		u.Rows[key] = row
	}
	col := &r.cat.Collections[rule.Collection]
	if col.ByTime && row.timed && e.Time < row.At {
		return // what is there is of a later time
	}
	if col.ByTime {
		row.At, row.timed = e.Time, true
	}
	before := row.State
	row.State = after(before, rule.Op, value)
	switch col.Kind {
	case catalog.First:
		if _, has := r.first[rule.Collection][u.Name]; has {
			u.Counters[col.Counter] = 1
		}
	case catalog.Age:
		if before == absent && row.State > absent {
			u.Counters[col.Counter] = e.Time
			if e.Time == 0 { // 0 says that it has not begun: it is the next microsecond
				u.Counters[col.Counter] = 1
			}
		}
	}
	r.weigh(u, col, key.Entity, before, -1)
	r.weigh(u, col, key.Entity, row.State, 1)
}

// after is the state that an operation makes of one.
func after(state int64, op catalog.Op, value int64) int64 {
	switch {
	case state == dead || op == catalog.OpDelete:
		return dead
	case op == catalog.OpUnset:
		return absent
	case op == catalog.OpSet, op == catalog.OpInsert && state == absent, op == catalog.OpUpdate && state > absent:
		return value
	}
	return state
}

// weigh adds what a member in that state adds, times sign: to counters, or to
// the sums of the thing that it belongs to.
func (r *Recount) weigh(u *User, col *catalog.Collection, entity string, state, sign int64) {
	if state <= absent || len(col.Weights) == 0 {
		return
	}
	if col.Parent == catalog.None {
		for _, w := range col.Weights {
			u.Counters[w.Target] += sign * weight(w, state)
		}
		return
	}
	t := u.thing(ThingKey{col.Parent, entity})
	r.countThing(u, col.Parent, t, -1)
	for _, w := range col.Weights {
		t.Sums[w.Target] += sign * weight(w, state)
	}
	r.countThing(u, col.Parent, t, 1)
}

func weight(w catalog.Weight, state int64) int64 {
	switch {
	case w.Kind == catalog.WeightPresent, w.Kind == catalog.WeightEquals && state == w.Code:
		return 1
	case w.Kind == catalog.WeightValue:
		return state + w.Offset
	}
	return 0
}

func (u *User) thing(key ThingKey) *Thing {
	t := u.Things[key]
	if t == nil {
		key.Thing = strings.Clone(key.Thing)
		t = &Thing{}
		u.Things[key] = t
	}
	return t
}

func (r *Recount) changeThing(u *User, rule *catalog.Rule, e *event) {
	t := u.thing(ThingKey{rule.Collection, e.text(rule.Entity)})
	r.countThing(u, rule.Collection, t, -1)
	t.State = after(t.State, rule.Op, 1)
	r.countThing(u, rule.Collection, t, 1)
}

// countThing adds what a thing adds to its owner's counters, times sign.
func (r *Recount) countThing(u *User, collection int, t *Thing, sign int64) {
	if t.State == dead {
		return
	}
	for _, term := range r.cat.Collections[collection].Terms {
		switch {
		case term.Kind == catalog.TermPresent && t.State > absent,
			term.Kind == catalog.TermMean && t.Sums[term.Count] > 0 && meanReaches(t.Sums[term.Sum], t.Sums[term.Count], &term):
			u.Counters[term.Counter] += sign
		case term.Kind == catalog.TermSum:
			u.Counters[term.Counter] += sign * t.Sums[term.Sum]
		}
	}
}
