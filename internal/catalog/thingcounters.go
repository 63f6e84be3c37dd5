package catalog

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// thingsCounter counts things, or what their members add up to.
func (c *compiler) thingsCounter(i int, e entry) {
	name, ok := e.value.get("things").text()
	if !ok {
		return
	}
	thing := c.collections[name]
	if thing == nil || thing.Kind != Entities {
		c.at(e.value.get("things").pos, "there is no thing %q: %s", name, didYouMean(name, c.thingNames()))
		return
	}
	thing.used = true
	var said []string
	for _, key := range []string{"count", "sum", "mean"} {
		if e.value.get(key) != nil {
			said = append(said, key)
		}
	}
	if len(said) > 1 {
		c.at(e.value.keyPos(said[1]), "%s exclude each other: keep one of them", listed(quoted(said), "and"))
		return
	}
	if len(said) == 0 {
		thing.Terms = append(thing.Terms, Term{Kind: TermPresent, Counter: i})
		if !slices.ContainsFunc(thing.rules, func(d draft) bool { return d.rule.Op == OpInsert }) {
			c.at(e.pos, "nothing feeds counter %q: no rule creates %s, add one under things", e.key, name)
		}
		return
	}
	ref := e.value.get(said[0])
	memberName, ok := ref.text()
	if !ok {
		return
	}
	members := c.collections[name+"."+memberName]
	if members == nil {
		c.at(ref.pos, "thing %q has no members %q: %s", name, memberName, didYouMean(memberName, c.memberNames(thing)))
		return
	}
	members.used = true
	w := want{members: members, kind: WeightPresent}
	if v := e.value.get("value"); v != nil {
		w.kind = WeightEquals
		if w.code, ok = c.codeOf(members, v); !ok {
			return
		}
	}
	if said[0] == "count" {
		thing.ask(w)
		thing.Terms = append(thing.Terms, Term{Kind: TermSum, Counter: i, Sum: thing.wantIndex(w)})
		return
	}
	if members.values.kind == unknownValue {
		return // its rules have errors of their own
	}
	if members.values.kind != numberValue {
		c.at(ref.pos, "the values of %s are no numbers (%s): count them instead", members.Name, &members.values)
		return
	}
	sum := want{members: members, kind: WeightValue}
	thing.ask(sum)
	if said[0] == "sum" {
		thing.Terms = append(thing.Terms, Term{Kind: TermSum, Counter: i, Sum: thing.wantIndex(sum)})
		return
	}
	thing.ask(w)
	term := Term{Kind: TermMean, Counter: i, Sum: thing.wantIndex(sum), Count: thing.wantIndex(w)}
	term.AtLeast, term.Decimals = c.meanOf(members, e.value)
	thing.Terms = append(thing.Terms, term)
}

// meanOf reads the threshold of a mean.
func (c *compiler) meanOf(members *collection, n *node) (int64, int) {
	decimals := int64(2)
	if d, ok := n.get("decimals").integer(); ok && d >= 0 && d <= 6 {
		decimals = d
	}
	at, ok := n.get("at_least").decimal()
	if !ok {
		return 0, int(decimals)
	}
	scaled, exact := scale(at, decimals)
	if !exact {
		c.at(n.get("at_least").pos, "%v has more than %d decimals, to which the mean is rounded: raise decimals or write fewer", at, decimals)
	}
	if at > float64(members.values.max) {
		c.at(n.get("at_least").pos, "no mean reaches %v: the values of %s are at most %d", at, members.Name, members.values.max)
	}
	return scaled, int(decimals)
}

// scale returns v × 10^decimals, and whether that is a whole number.
func scale(v float64, decimals int64) (int64, bool) {
	scaled := v * math.Pow10(int(decimals))
	whole := math.Round(scaled)
	return int64(whole), math.Abs(scaled-whole) < 1e-6
}

// ask adds a sum that a counter needs, once.
func (col *collection) ask(w want) {
	if col.wantIndex(w) < 0 {
		col.wanted = append(col.wanted, w)
	}
}

func (col *collection) wantIndex(w want) int { return slices.Index(col.wanted, w) }

// sums gives each sum that counters ask for its place in the thing's row, by
// members, kind and value, whatever the counters' order.
func (c *compiler) sums() {
	for _, thing := range c.collections {
		if len(thing.wanted) > MaxSums {
			c.at(thing.pos, "counters need %d different sums of the members of %q: %d is the most, leave some out", len(thing.wanted), thing.Name, MaxSums)
		}
		sorted := slices.Clone(thing.wanted)
		slices.SortFunc(sorted, func(a, b want) int {
			return cmp.Or(strings.Compare(a.members.Name, b.members.Name), cmp.Compare(a.kind, b.kind), cmp.Compare(a.code, b.code))
		})
		for i, w := range sorted {
			weight := Weight{Kind: w.kind, Target: i, Code: w.code}
			if w.kind == WeightValue {
				weight.Offset = w.members.values.min - 1
			}
			w.members.Weights = append(w.members.Weights, weight)
		}
		for i := range thing.Terms {
			t := &thing.Terms[i]
			if t.Kind == TermPresent {
				continue
			}
			t.Sum = slices.Index(sorted, thing.wanted[t.Sum])
			if t.Kind == TermMean {
				t.Count = slices.Index(sorted, thing.wanted[t.Count])
			}
		}
	}
}

func (c *compiler) thingNames() []string {
	var names []string
	for name, col := range c.collections {
		if col.Kind == Entities {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (c *compiler) memberNames(thing *collection) []string {
	var names []string
	for name, col := range c.collections {
		if col.parent == thing {
			names = append(names, strings.TrimPrefix(name, thing.Name+"."))
		}
	}
	slices.Sort(names)
	return names
}
