package catalog

import (
	"math"
	"strings"

	"github.com/badgestream/badgestream/schemas"
)

// totalDraft is a rule that adds to a counter without a row.
type totalDraft struct {
	event int
	rule  Rule
}

// ruleHead reads what all rules have: the event, whom it credits, and when it
// is passed over.
func (c *compiler) ruleHead(n *node) (event int, rule Rule, ok bool) {
	rule = Rule{Credit: RefSubject, Collection: None, Entity: RefNone, Member: RefNone, ValueFrom: RefNone, Counter: None}
	on, is := n.get("on").text()
	if !is {
		return 0, rule, false
	}
	if on == schemas.TickType {
		c.at(n.get("on").pos, "%s drives ages by itself: no rule can name it", on)
		return 0, rule, false
	}
	event, ok = c.cat.Types[on]
	if !ok {
		c.at(n.get("on").pos, "there is no event type %q: %s", on, didYouMean(on, c.eventTypes()))
		return 0, rule, false
	}
	rule.Credit = c.idRef(event, n, "credit", RefSubject)
	unless := n.get("unless").list()
	if _, single := n.get("unless").text(); single {
		unless = []*node{n.get("unless")}
	}
	for _, u := range unless {
		text, _ := u.text()
		left, right, ok := strings.Cut(text, " is ")
		if !ok {
			continue
		}
		a, aOptional := c.ref(event, u, left)
		b, bOptional := c.ref(event, u, right)
		if a == b && a != RefNone {
			c.at(u.pos, "this is always so: compare two different things")
		}
		if aOptional && bOptional {
			c.at(u.pos, "both may be absent, and would then be the same: one of them must be a field without ?")
		}
		rule.Unless = append(rule.Unless, [2]Ref{a, b})
	}
	return event, rule, true
}

// idRef reads a key that names a field with an id, or subject.
func (c *compiler) idRef(event int, rule *node, key string, absent Ref) Ref {
	n := rule.get(key)
	name, ok := n.text()
	if !ok {
		return absent
	}
	ref, optional := c.ref(event, n, name)
	if optional {
		c.at(n.pos, "%q may be absent: %s needs a field that is always there, declare it without ?", name, key)
	}
	return ref
}

// ref finds a field with an id, or subject, by name. It says whether the field
// may be absent.
func (c *compiler) ref(event int, n *node, name string) (Ref, bool) {
	if name == "subject" {
		return RefSubject, false
	}
	i, ok := c.fieldOf(event, n, name)
	if !ok {
		return RefNone, false
	}
	f := &c.cat.Events[event].Shape.Fields[i]
	if f.Kind != schemas.FieldID && !c.unclear[f.Name] {
		c.at(n.pos, "field %q of %s holds %s: here belongs an id", name, c.cat.Events[event].Shape.Type, kindWord(f.Kind))
	}
	return Ref(i), f.Optional
}

func (c *compiler) fieldOf(event int, n *node, name string) (int, bool) {
	shape := &c.cat.Events[event].Shape
	names := make([]string, 0, len(shape.Fields)+1)
	for i := range shape.Fields {
		if shape.Fields[i].Name == name {
			return i, true
		}
		names = append(names, shape.Fields[i].Name)
	}
	c.at(n.pos, "event %s has no field %q: %s", shape.Type, name, didYouMean(name, append(names, "subject")))
	return 0, false
}

func kindWord(k schemas.FieldKind) string {
	switch k {
	case schemas.FieldInt:
		return "a number (int)"
	case schemas.FieldEnum:
		return "one of some texts (enum)"
	case schemas.FieldSet:
		return "a list (set)"
	}
	return "an id"
}

// thingRule reads a rule that creates or deletes a thing.
func (c *compiler) thingRule(thing *collection, n *node) {
	event, rule, ok := c.ruleHead(n)
	if !ok {
		return
	}
	rule.Op = OpInsert
	rule.Entity = c.idRef(event, n, "create", RefNone)
	if n.get("delete") != nil {
		rule.Op = OpDelete
		rule.Entity = c.idRef(event, n, "delete", RefNone)
	}
	thing.rules = append(thing.rules, draft{event: event, rule: rule})
}

// rowRule reads a rule of a map, a gauge, or a thing's members.
func (c *compiler) rowRule(col *collection, n *node) {
	event, rule, ok := c.ruleHead(n)
	if !ok {
		return
	}
	rule.Entity = c.idRef(event, n, "thing", RefNone)
	rule.Member = c.idRef(event, n, "member", RefNone)
	d := draft{event: event, rule: rule}
	for _, op := range []struct {
		key string
		op  Op
	}{{"set", OpSet}, {"insert", OpInsert}, {"update", OpUpdate}, {"unset", OpUnset}, {"delete", OpDelete}} {
		v := n.get(op.key)
		if v == nil {
			continue
		}
		d.rule.Op = op.op
		if op.op != OpUnset && op.op != OpDelete {
			c.ruleValue(col, &d, v)
		}
		break
	}
	col.rules = append(col.rules, d)
}

// ruleValue reads the value that a rule gives to a row.
func (c *compiler) ruleValue(col *collection, d *draft, v *node) {
	if v.yes() {
		c.takes(col, values{kind: presence, first: v.pos})
		return
	}
	if v.value == false {
		c.at(v.pos, "write true, a field or a number; to take the value away, write unset: true instead")
		return
	}
	if n, ok := v.integer(); ok {
		if n < math.MinInt32 || n > math.MaxInt32 {
			c.at(v.pos, "%d is out of range: a value is from %d to %d", n, math.MinInt32, math.MaxInt32)
			return
		}
		d.lit, d.isLit = n, true
		c.takes(col, values{kind: numberValue, min: n, max: n, first: v.pos})
		return
	}
	name, ok := v.text()
	if !ok {
		return
	}
	if name == "subject" {
		c.at(v.pos, "subject is no value: name an int, enum or set field, or write true")
		return
	}
	i, ok := c.fieldOf(d.event, v, name)
	if !ok {
		return
	}
	f := &c.cat.Events[d.event].Shape.Fields[i]
	if f.Optional {
		c.at(v.pos, "%q may be absent: a value needs a field that is always there, declare it without ?", name)
	}
	d.rule.ValueFrom = Ref(i)
	if c.unclear[name] {
		return
	}
	switch f.Kind {
	case schemas.FieldID:
		c.at(v.pos, "field %q of %s holds an id: a value is an int, enum or set field, or true", name, c.cat.Events[d.event].Shape.Type)
	case schemas.FieldEnum:
		c.takes(col, values{kind: textValue, texts: f.Values, first: v.pos})
	case schemas.FieldInt:
		c.takes(col, values{kind: numberValue, min: f.Min, max: f.Max, first: v.pos})
	case schemas.FieldSet:
		c.takes(col, values{kind: numberValue, max: int64(len(f.Values)), first: v.pos})
	}
}

// setRule reads a rule that adds to a set or removes from it.
func (c *compiler) setRule(col *collection, n *node) {
	event, rule, ok := c.ruleHead(n)
	if !ok {
		return
	}
	rule.Op = OpSet
	rule.Member = c.idRef(event, n, "add", RefNone)
	if n.get("remove") != nil {
		rule.Op = OpUnset
		rule.Member = c.idRef(event, n, "remove", RefNone)
	}
	col.rules = append(col.rules, draft{event: event, rule: rule})
}

// startRule reads a rule of a first or an age.
func (c *compiler) startRule(col *collection, n *node) {
	if event, rule, ok := c.ruleHead(n); ok {
		rule.Op = OpInsert
		col.rules = append(col.rules, draft{event: event, rule: rule})
	}
}

// totalRule reads a rule that adds to a counter without a row.
func (c *compiler) totalRule(counter int, n *node) (totalDraft, bool) {
	event, rule, ok := c.ruleHead(n)
	if !ok {
		return totalDraft{}, false
	}
	rule.Op, rule.Counter = OpCount, counter
	amount := n.get("add")
	if n.get("subtract") != nil {
		amount, rule.Negate = n.get("subtract"), true
	}
	if v, ok := amount.integer(); ok {
		rule.Value = v
		return totalDraft{event, rule}, true
	}
	name, ok := amount.text()
	if !ok {
		return totalDraft{}, false
	}
	i, ok := c.fieldOf(event, amount, name)
	if !ok {
		return totalDraft{}, false
	}
	shape := &c.cat.Events[event].Shape
	if k := shape.Fields[i].Kind; (k == schemas.FieldID || k == schemas.FieldEnum) && !c.unclear[name] {
		c.at(amount.pos, "field %q of %s holds %s: an amount is an int field or a whole number", name, shape.Type, kindWord(k))
	}
	rule.ValueFrom = Ref(i)
	return totalDraft{event, rule}, true
}
