package catalog

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/schemas"
)

// maxCollections leaves room in an int16, which a row's collection is stored
// as.
const maxCollections = 2000

// collection is a Collection on its way: its rules are read before its index
// is known.
type collection struct {
	pos
	Collection
	parent *collection
	rules  []draft
	values values
	wanted []want // what counters ask of a thing's members
	used   bool   // some counter counts it
	mapped bool   // a map or a gauge, whose rows another counter may count
}

// draft is a rule whose collection and value code are not known yet.
type draft struct {
	event int
	rule  Rule
	lit   int64 // a constant value, if the rule has one
	isLit bool
}

// values is what the rows of a collection hold: nothing but their presence,
// one of some texts, or a whole number of a range.
type values struct {
	kind     valueKind
	texts    []string
	min, max int64
	first    pos // the rule that said so
}

type valueKind uint8

const (
	unknownValue valueKind = iota
	presence
	textValue
	numberValue
)

func (v *values) String() string {
	switch v.kind {
	case presence:
		return "true"
	case textValue:
		return "one of " + listed(v.texts, "and")
	case numberValue:
		return fmt.Sprintf("a number from %d to %d", v.min, v.max)
	}
	return "nothing"
}

// code turns a number into its row's value code. Codes begin at 1, as 0 is
// the absent row.
func (v *values) code(n int64) int64 { return n - v.min + 1 }

// want is one sum that counters ask of a thing's members.
type want struct {
	members *collection
	kind    WeightKind
	code    int64
}

func (c *compiler) newCollection(name string, kind CollectionKind, at pos) *collection {
	col := &collection{pos: at, Collection: Collection{Name: name, Kind: kind, Parent: None, Counter: None}}
	c.collections[name] = col
	return col
}

// things declares what users make, and the members of each.
func (c *compiler) things(n *node) {
	for _, e := range n.object() {
		if c.taken(e) {
			continue
		}
		thing := c.newCollection(e.key, Entities, e.pos)
		for _, r := range e.value.get("rules").list() {
			c.thingRule(thing, r)
		}
		for _, m := range e.value.get("members").object() {
			members := c.newCollection(e.key+"."+m.key, Members, m.pos)
			members.parent = thing
			for _, r := range m.value.get("rules").list() {
				c.rowRule(members, r)
			}
			c.needsRows(members, fmt.Sprintf("members %q of %q", m.key, e.key))
		}
		if len(thing.rules) == 0 && len(e.value.get("members").object()) == 0 {
			c.at(e.pos, "thing %q has neither rules nor members: add rules that create and delete it", e.key)
		}
	}
}

// maxCodes is how many values a row's state tells apart: a 32-bit number, of
// which the store keeps a few for itself.
const maxCodes = math.MaxInt32 - 16

// needsRows reports a collection whose rules only take away.
func (c *compiler) needsRows(col *collection, what string) {
	feeds := func(d draft) bool { return d.rule.Op == OpSet || d.rule.Op == OpInsert }
	if len(col.rules) > 0 && !slices.ContainsFunc(col.rules, feeds) {
		c.at(col.pos, "no rule feeds %s: add one with set, insert or add", what)
	}
	if v := &col.values; v.kind == numberValue && v.max-v.min+1 > maxCodes {
		c.at(v.first, "the values of %s range from %d to %d: a row holds at most %d different ones, narrow the field's int",
			what, v.min, v.max, maxCodes)
	}
}

// takes widens the collection's values by those of a rule, or reports that
// they do not go together.
func (c *compiler) takes(col *collection, v values) {
	have := &col.values
	switch {
	case have.kind == unknownValue:
		*have = v
	case have.kind == numberValue && v.kind == numberValue:
		have.min, have.max = min(have.min, v.min), max(have.max, v.max)
	case have.kind != v.kind, !slices.Equal(have.texts, v.texts):
		c.at(v.first, "this value is %s, but on line %d it is %s: one collection holds one kind of value, in one order",
			&v, have.first.line, have)
	}
}

// link sorts the collections, gives them their indexes, and hands the rules to
// their events.
func (c *compiler) link() {
	sorted := make([]*collection, 0, len(c.collections))
	for _, col := range c.collections {
		sorted = append(sorted, col)
	}
	slices.SortFunc(sorted, func(a, b *collection) int { return strings.Compare(a.Name, b.Name) })
	if n := len(sorted); n > maxCollections {
		c.at(sorted[n-1].pos, "things, their members and counters keep %d kinds of rows: %d is the most", n, maxCollections)
	}
	index := make(map[*collection]int, len(sorted))
	for i, col := range sorted {
		index[col] = i
	}
	for i, col := range sorted {
		if col.parent != nil {
			col.Parent = index[col.parent]
		}
		if !col.used {
			c.unused(col, index)
		}
		for _, d := range col.rules {
			d.rule.Collection = i
			switch {
			case d.rule.Op == OpUnset || d.rule.Op == OpDelete:
			case d.isLit:
				d.rule.Value = col.values.code(d.lit)
			case d.rule.ValueFrom >= 0 && c.cat.Events[d.event].Shape.Fields[d.rule.ValueFrom].Kind == schemas.FieldEnum:
				d.rule.Value = 1
			case d.rule.ValueFrom >= 0:
				d.rule.Value = col.values.code(0)
			default:
				d.rule.Value = 1
			}
			ev := &c.cat.Events[d.event]
			ev.Rules = append(ev.Rules, d.rule)
		}
	}
	for _, col := range sorted {
		c.cat.Collections = append(c.cat.Collections, col.Collection)
	}
	c.totals()
}

// unused reports a collection that costs rows and counts for nothing.
func (c *compiler) unused(col *collection, index map[*collection]int) {
	if col.parent != nil {
		thing, members, _ := strings.Cut(col.Name, ".")
		c.at(col.pos, "no counter counts %s: add one such as {things: %s, count: %s}, or leave them out", members, thing, members)
		return
	}
	if col.Kind != Entities {
		return // it belongs to a counter that has an error of its own
	}
	for other := range index {
		if other.parent == col {
			return
		}
	}
	c.at(col.pos, "no counter counts %s: add one such as {things: %s}, or leave it out", col.Name, col.Name)
}
