package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// countersOf declares the counters, with the collections that some of them
// keep. A map that counts another's rows comes after all that keep rows.
func (c *compiler) countersOf(n *node) {
	for _, e := range n.object() {
		if c.taken(e) {
			continue
		}
		c.counters[e.key] = len(c.cat.Counters)
		c.cat.Counters = append(c.cat.Counters, Counter{Name: e.key})
		c.ceilings = append(c.ceilings, 0)
	}
	for _, e := range n.object() {
		i, ok := c.counters[e.key]
		if !ok || c.names[e.key] != e.pos {
			continue
		}
		switch {
		case e.value.get("set") != nil:
			c.setCounter(i, e)
		case e.value.get("map") != nil && e.value.get("map").kind == arrayNode:
			c.rowCounter(i, e, "map")
		case e.value.get("gauge") != nil:
			c.rowCounter(i, e, "gauge")
		case e.value.get("first") != nil:
			c.firstCounter(i, e)
		case e.value.get("age") != nil:
			col := c.newCollection(e.key, Age, e.pos)
			col.Counter, col.used = i, true
			c.cat.Counters[i].Kind = Since
			c.cat.Ages = append(c.cat.Ages, i)
			for _, r := range e.value.get("age").list() {
				c.startRule(col, r)
			}
		case e.value.get("total") != nil:
			for _, r := range e.value.get("total").list() {
				if d, ok := c.totalRule(i, r); ok {
					c.totalRules = append(c.totalRules, d)
				}
			}
		case e.value.get("things") != nil:
			c.thingsCounter(i, e)
		}
	}
	for _, e := range n.object() {
		if name, ok := e.value.get("map").text(); ok {
			c.sharedMap(c.counters[e.key], e, name)
		}
	}
	c.sums()
}

func (c *compiler) setCounter(i int, e entry) {
	col := c.newCollection(e.key, Members, e.pos)
	col.used = true
	col.Weights = []Weight{{Kind: WeightPresent, Target: i}}
	for _, r := range e.value.get("set").list() {
		c.setRule(col, r)
	}
	c.needsRows(col, fmt.Sprintf("counter %q", e.key))
}

func (c *compiler) firstCounter(i int, e entry) {
	col := c.newCollection(e.key, First, e.pos)
	col.Counter, col.used = i, true
	col.Places, _ = e.value.get("places").integer()
	c.ceilings[i] = 1
	for _, r := range e.value.get("first").list() {
		c.startRule(col, r)
	}
}

// rowCounter is a map or a gauge: a gauge is a map with a single member that
// has no name.
func (c *compiler) rowCounter(i int, e entry, key string) {
	col := c.newCollection(e.key, Members, e.pos)
	col.used, col.mapped = true, true
	order, said := e.value.get("order").text()
	col.ByTime = order == "time" || !said && key == "gauge"
	for _, r := range e.value.get(key).list() {
		c.rowRule(col, r)
		for _, op := range []string{"insert", "update", "delete"} {
			if col.ByTime && r.get(op) != nil {
				c.at(r.keyPos(op), "%s asks what was folded before, which order: time does not: use set and unset, or order: fold", op)
			}
		}
	}
	c.needsRows(col, fmt.Sprintf("counter %q", e.key))
	c.weigh(i, e, col, key == "gauge")
}

// sharedMap counts the rows of another counter's map in another way.
func (c *compiler) sharedMap(i int, e entry, name string) {
	at := e.value.get("map").pos
	if n := e.value.get("order"); n != nil {
		c.at(e.value.keyPos("order"), "the order is that of counter %q: leave it out here", name)
	}
	col := c.collections[name]
	if col == nil || !col.mapped {
		c.at(at, "there is no map counter %q: %s", name, didYouMean(name, c.maps()))
		return
	}
	c.weigh(i, e, col, false)
}

// maps lists the counters that keep a map or a gauge, for advice.
func (c *compiler) maps() []string {
	var names []string
	for name, col := range c.collections {
		if col.mapped {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// weigh says what a row of a map or gauge adds to counter i.
func (c *compiler) weigh(i int, e entry, col *collection, gauge bool) {
	if v := e.value.get("value"); v != nil {
		if e.value.get("adds") != nil {
			c.at(e.value.keyPos("value"), "with value, a member adds 1 if it has that value: leave adds out, or value")
		}
		if code, ok := c.codeOf(col, v); ok {
			col.Weights = append(col.Weights, Weight{Kind: WeightEquals, Target: i, Code: code})
		}
		if gauge {
			c.ceilings[i] = 1
		}
		return
	}
	adds, said := e.value.get("adds").text()
	if adds != "values" && (said || !gauge || col.values.kind == presence) {
		col.Weights = append(col.Weights, Weight{Kind: WeightPresent, Target: i})
		if gauge {
			c.ceilings[i] = 1
		}
		return
	}
	if gauge {
		c.ceilings[i] = max(col.values.max, 0)
	}
	switch col.values.kind {
	case numberValue:
		col.Weights = append(col.Weights, Weight{Kind: WeightValue, Target: i, Offset: col.values.min - 1})
	case textValue:
		c.at(e.pos, "the values of %q are texts, which do not add up: say which one counts, such as value: %s", col.Name, col.values.texts[0])
	case presence:
		c.at(e.value.keyPos("adds"), "the values of %q are all true, and do not add up: leave adds out", col.Name)
	}
}

// codeOf finds the code of a value that a counter names.
func (c *compiler) codeOf(col *collection, v *node) (int64, bool) {
	switch col.values.kind {
	case textValue:
		s, ok := v.text()
		if i := slices.Index(col.values.texts, s); ok && i >= 0 {
			return int64(i) + 1, true
		}
		if !ok {
			s = v.show()
		}
		c.at(v.pos, "%s is no value of %s: %s", v.show(), col.Name, didYouMean(s, col.values.texts))
	case numberValue:
		n, ok := v.integer()
		if ok && n >= col.values.min && n <= col.values.max {
			return col.values.code(n), true
		}
		c.at(v.pos, "%s is no value of %s: it holds a number from %d to %d", v.show(), col.Name, col.values.min, col.values.max)
	case presence:
		c.at(v.pos, "the values of %s are all true: leave value out", col.Name)
	}
	return 0, false
}

// totals hands the rules that add to a counter without a row to their events.
func (c *compiler) totals() {
	slices.SortStableFunc(c.totalRules, func(a, b totalDraft) int {
		return strings.Compare(c.cat.Counters[a.rule.Counter].Name, c.cat.Counters[b.rule.Counter].Name)
	})
	for _, d := range c.totalRules {
		ev := &c.cat.Events[d.event]
		ev.Rules = append(ev.Rules, d.rule)
	}
}

// counterOf finds the counter that a node names.
func (c *compiler) counterOf(n *node) (int, bool) {
	name, ok := n.text()
	if !ok {
		return None, false
	}
	i, ok := c.counters[name]
	if !ok {
		c.at(n.pos, "there is no counter %q: %s", name, didYouMean(name, slices.Sorted(maps.Keys(c.counters))))
		return None, false
	}
	return i, true
}
