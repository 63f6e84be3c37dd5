package differential

import (
	"fmt"
	"strings"
)

// The kinds of values that rows of one collection hold.
const (
	present = "true"
	number  = "number"
	mood    = "mood"
	way     = "way"
)

// rows is what a collection's rules say of its values.
type rows struct {
	kind     string
	min, max int64 // of numbers
	any      bool
}

func (r *rows) widen(lo, hi int64) {
	if !r.any {
		r.min, r.max, r.any = lo, hi, true
	}
	r.min, r.max = min(r.min, lo), max(r.max, hi)
}

// value is one that the rows can have, or nearly.
func (d *drawing) value(r *rows) string {
	switch r.kind {
	case mood:
		return one(d.Rand, texts(moods))
	case way:
		return one(d.Rand, texts(ways))
	}
	return fmt.Sprint(r.min + d.Int64N(min(r.max-r.min, 5)+1))
}

// ref is a field that is always there and holds an id, or subject.
func (d *drawing) ref(ev *event) string { return one(d.Rand, append([]string{"subject"}, ev.ids...)) }

// head is what all rules begin with.
func (d *drawing) head(ev *event) string {
	text := "{on: " + ev.name
	if d.odds(55) {
		text += ", credit: " + d.ref(ev)
	}
	if !d.odds(25) || len(ev.ids)+len(ev.may) == 0 {
		return text
	}
	pair := func() string {
		right := one(d.Rand, append(append([]string{}, ev.ids...), ev.may...))
		left := "subject"
		if right != "who" && len(ev.ids) > 0 && ev.ids[0] == "who" && d.odds(40) {
			left = "who"
		}
		if d.odds(50) {
			left, right = right, left
		}
		return left + " is " + right
	}
	if d.odds(30) {
		return text + fmt.Sprintf(", unless: [%s, %s]", pair(), pair())
	}
	return text + ", unless: " + pair()
}

// event is one of those that fit, or none.
func (d *drawing) event(fits func(*event) bool) *event {
	var list []*event
	for i := range d.events {
		if fits(&d.events[i]) {
			list = append(list, &d.events[i])
		}
	}
	if len(list) == 0 {
		return nil
	}
	return one(d.Rand, list)
}

func anyEvent(*event) bool { return true }

// rowRules draws the rules of a map, a gauge or a thing's members. The keys say
// where a rule's row is. The first rule gives a value.
func (d *drawing) rowRules(ops []string, keys func(*event) string) (string, *rows) {
	r := &rows{kind: one(d.Rand, []string{present, number, number, mood, way})}
	if ev := d.event(func(ev *event) bool { return strings.Contains(strings.Join(ev.enums, " "), r.kind) }); (r.kind == mood || r.kind == way) && ev == nil {
		r.kind = present
	}
	var list []string
	for i := range 1 + d.IntN(4) {
		op := one(d.Rand, ops)
		if i == 0 && op != "insert" {
			op = "set"
		}
		if op == "unset" || op == "delete" {
			ev := d.event(anyEvent)
			list = append(list, d.head(ev)+keys(ev)+", "+op+": true}")
			continue
		}
		ev, value := d.given(r)
		list = append(list, d.head(ev)+keys(ev)+", "+op+": "+value+"}")
	}
	return "[" + strings.Join(list, ", ") + "]", r
}

// given is an event and the value of that kind that it gives.
func (d *drawing) given(r *rows) (*event, string) {
	switch r.kind {
	case mood, way:
		return d.event(func(ev *event) bool { return strings.Contains(strings.Join(ev.enums, " "), r.kind) }), r.kind
	case present:
		return d.event(anyEvent), "true"
	}
	ev := d.event(anyEvent)
	if len(ev.ints) > 0 && d.odds(70) {
		r.widen(ev.ints[0].min, ev.ints[0].max)
		return ev, ev.ints[0].name
	}
	if ev.set && d.odds(70) {
		r.widen(0, int64(len(texts(parts))))
		return ev, "parts"
	}
	n := int64(d.IntN(7) - 2)
	r.widen(n, n)
	return ev, fmt.Sprint(n)
}
