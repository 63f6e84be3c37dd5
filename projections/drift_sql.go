package projections

import (
	"fmt"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
)

// driftExpressions are a catalogue's rules as SQL. In them, m are a user's
// members and e his things, added up into columns a0, a1 and so on; u is the
// row, and c the clock.
type driftExpressions struct {
	members, entities []string // aggregates
	expected          []string // per counter, NULL where nothing tells it
	sums, memberSums  []string
	badges            []string // by id: the id if it is held by the rules
	nextDue           string
}

// dayMicros is 24 hours in microseconds.
const dayMicros = int64(24 * 60 * 60 * 1_000_000)

func (d *Drift) expressions() driftExpressions {
	var x driftExpressions
	x.expected = make([]string, len(d.cat.Counters))
	for i := range x.expected {
		x.expected[i] = "NULL"
	}
	for i := range d.cat.Collections {
		col := &d.cat.Collections[i]
		switch {
		case col.Kind == catalog.Entities:
			x.things(d, i, col)
		case col.Kind == catalog.Members && col.Parent == catalog.None:
			for _, w := range col.Weights {
				x.add(w.Target, x.member(weightSQL(i, w)))
			}
		case col.Kind == catalog.Age:
			// Of an age the members tell only whether it has begun.
			column := "u." + counterColumn(&d.cat.Counters[col.Counter])
			began := x.member(fmt.Sprintf("count(*) FILTER (WHERE collection = %d AND state > 0)", i))
			x.expected[col.Counter] = fmt.Sprintf("CASE WHEN (%s > 0) = (%s <> 0) THEN %s END", began, column, column)
		}
	}
	for id, badge := range d.cat.ByID {
		x.badges = append(x.badges, d.heldSQL(int16(id), &d.cat.Badges[badge]))
	}
	x.nextDue = d.nextDueSQL()
	return x
}

func (x *driftExpressions) member(aggregate string) string {
	return "coalesce(m." + column(&x.members, aggregate) + ", 0)"
}

func (x *driftExpressions) entity(aggregate string) string {
	return "coalesce(e." + column(&x.entities, aggregate) + ", 0)"
}

// column is the name of an aggregate, which is made if it is not there.
func column(list *[]string, aggregate string) string {
	at := slices.Index(*list, aggregate)
	if at < 0 {
		at = len(*list)
		*list = append(*list, aggregate)
	}
	return fmt.Sprintf("a%d", at)
}

// add adds a term to a counter.
func (x *driftExpressions) add(counter int, text string) {
	if x.expected[counter] == "NULL" {
		x.expected[counter] = text
	} else {
		x.expected[counter] += " + " + text
	}
}

// things are the terms of one kind of things, and its sums.
func (x *driftExpressions) things(d *Drift, index int, col *catalog.Collection) {
	for _, t := range col.Terms {
		alive := fmt.Sprintf("collection = %d AND state <> -1", index)
		switch t.Kind {
		case catalog.TermPresent:
			x.add(t.Counter, x.entity(fmt.Sprintf("count(*) FILTER (WHERE collection = %d AND state > 0)", index)))
		case catalog.TermSum:
			x.add(t.Counter, x.entity(fmt.Sprintf("sum(s%d) FILTER (WHERE %s)", t.Sum, alive)))
		case catalog.TermMean:
			scale := int64(1)
			for range t.Decimals {
				scale *= 10
			}
			// Half up: floor((2·sum·scale + count) / (2·count)) ≥ at_least.
			x.add(t.Counter, x.entity(fmt.Sprintf("count(*) FILTER (WHERE %s AND s%d > 0 AND 2 * s%d::numeric * %d + s%d >= 2 * %d * s%d::numeric)",
				alive, t.Count, t.Sum, scale, t.Count, t.AtLeast, t.Count)))
		}
	}
	var members [catalog.MaxSums][]string
	for k := range d.cat.Collections {
		if d.cat.Collections[k].Parent == index {
			for _, w := range d.cat.Collections[k].Weights {
				members[w.Target] = append(members[w.Target], x.member(weightSQL(k, w)))
			}
		}
	}
	for s, list := range members {
		if len(list) > 0 {
			d.Sums = append(d.Sums, fmt.Sprintf("sum %d of %s", s, col.Name))
			x.sums = append(x.sums, x.entity(fmt.Sprintf("sum(s%d) FILTER (WHERE collection = %d)", s, index)))
			x.memberSums = append(x.memberSums, strings.Join(list, " + "))
		}
	}
}

// weightSQL is what the members of one collection add by one weight.
func weightSQL(collection int, w catalog.Weight) string {
	switch w.Kind {
	case catalog.WeightEquals:
		return fmt.Sprintf("count(*) FILTER (WHERE collection = %d AND state = %d)", collection, w.Code)
	case catalog.WeightValue:
		return fmt.Sprintf("sum(state::bigint + %d) FILTER (WHERE collection = %d AND state > 0)", w.Offset, collection)
	}
	return fmt.Sprintf("count(*) FILTER (WHERE collection = %d AND state > 0)", collection)
}

// heldSQL is the badge's id if its conditions are true. A sticky one may be held
// without, and one that depends on an age changes only when its tick comes.
func (d *Drift) heldSQL(id int16, badge *catalog.Badge) string {
	var conditions []string
	age := false
	for _, c := range badge.All {
		column := "u." + counterColumn(&d.cat.Counters[c.Counter])
		switch {
		case c.Kind == catalog.Ratio:
			whole := "u." + counterColumn(&d.cat.Counters[c.Whole])
			conditions = append(conditions, fmt.Sprintf("(%s > 0 AND %s::numeric * 10000 >= %d * %s::numeric)", whole, column, c.Threshold, whole))
		case d.cat.Counters[c.Counter].Kind == catalog.Since:
			age = true
			conditions = append(conditions, fmt.Sprintf("(%s <> 0 AND c.clock <> 0 AND (c.clock - %s) / %d >= %d)", column, column, dayMicros, c.Threshold))
		default:
			conditions = append(conditions, fmt.Sprintf("%s >= %d", column, c.Threshold))
		}
	}
	text := strings.Join(conditions, " AND ")
	has := fmt.Sprintf("u.\"~has\" @> ARRAY[%d::smallint]", id)
	if age {
		text = fmt.Sprintf("CASE WHEN u.\"~due\" <> 0 AND u.\"~due\" <= c.clock THEN %s ELSE %s END", has, text)
	}
	if badge.Sticky {
		text = fmt.Sprintf("(%s) OR %s", text, has)
	}
	return fmt.Sprintf("CASE WHEN %s THEN %d END", text, id)
}

// nextDueSQL is the first instant after the clock at which an age reaches a
// threshold.
func (d *Drift) nextDueSQL() string {
	var moments []string
	for _, c := range d.cat.Ages {
		column := "u." + counterColumn(&d.cat.Counters[c])
		for _, s := range d.cat.Counters[c].Steps {
			at := fmt.Sprintf("%s + %d", column, s.At*dayMicros)
			moments = append(moments, fmt.Sprintf("CASE WHEN %s <> 0 AND %s > c.clock THEN %s END", column, at, at))
		}
	}
	if len(moments) == 0 {
		return "0::bigint"
	}
	return "coalesce(least(" + strings.Join(moments, ", ") + "), 0)"
}
