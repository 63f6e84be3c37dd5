package catalog

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// describe prints a rule of the event.
func (ev *EventType) describe(r *Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "credit %s: ", ev.refName(r.Credit))
	switch r.Op {
	case OpSet:
		b.WriteString("set")
	case OpUnset:
		b.WriteString("unset")
	case OpInsert:
		b.WriteString("insert")
	case OpUpdate:
		b.WriteString("update")
	case OpDelete:
		b.WriteString("delete")
	case OpCount:
		b.WriteString(map[bool]string{false: "add", true: "subtract"}[r.Negate])
	}
	if r.Entity != RefNone {
		b.WriteString(" of " + ev.refName(r.Entity))
	}
	if r.Member != RefNone {
		b.WriteString(" member " + ev.refName(r.Member))
	}
	if r.Op != OpUnset && r.Op != OpDelete {
		fmt.Fprintf(&b, " value %d", r.Value)
		if r.ValueFrom >= 0 {
			b.WriteString(" + " + ev.refName(r.ValueFrom))
		}
	}
	unless := make([]string, len(r.Unless))
	for i, pair := range r.Unless {
		names := []string{ev.refName(pair[0]), ev.refName(pair[1])}
		slices.Sort(names)
		unless[i] = fmt.Sprintf(", unless %s is %s", names[0], names[1])
	}
	slices.Sort(unless)
	b.WriteString(strings.Join(unless, ""))
	return b.String()
}

func (ev *EventType) refName(r Ref) string {
	switch {
	case r == RefSubject:
		return "subject"
	case r < 0:
		return "nothing"
	}
	return ev.Shape.Fields[r].Name
}

func (w Weight) describe() string {
	switch w.Kind {
	case WeightEquals:
		return fmt.Sprintf("1 per row with code %d", w.Code)
	case WeightValue:
		return fmt.Sprintf("the row's code %+d", w.Offset)
	}
	return "1 per row"
}

// describeTerm prints what a row of the collection adds to a counter.
func (c *Catalog) describeTerm(collection int, t Term) string {
	switch t.Kind {
	case TermSum:
		members, weight := c.summed(collection, t.Sum)
		return weight + " of " + members
	case TermMean:
		members, _ := c.summed(collection, t.Sum)
		return fmt.Sprintf("mean of %s at least %.*f", members, t.Decimals, float64(t.AtLeast)/math.Pow10(t.Decimals))
	}
	return "1 per thing"
}

// summed finds what a thing's sum adds up: which members, and how.
func (c *Catalog) summed(thing, sum int) (members, weight string) {
	for i := range c.Collections {
		for _, w := range c.Collections[i].Weights {
			if c.Collections[i].Parent == thing && w.Target == sum {
				return c.Collections[i].Name, w.describe()
			}
		}
	}
	return "", ""
}
