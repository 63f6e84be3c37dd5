package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/badgestream/badgestream/schemas"
)

// fact is one thing that a catalogue says: a property of a subject. A
// catalogue is the set of its facts, so that two can be compared, and hashed
// whatever order they were written in.
type fact struct{ subject, property, value string }

// facts gathers facts of one subject after another.
type facts struct {
	list    []fact
	subject string
}

func (f *facts) about(format string, args ...any) { f.subject = fmt.Sprintf(format, args...) }

func (f *facts) say(property, format string, args ...any) {
	f.list = append(f.list, fact{f.subject, property, fmt.Sprintf(format, args...)})
}

// sorted puts the facts in order of subject; what is said of one subject stays
// in the order in which it was said.
func (f *facts) sorted() []fact {
	slices.SortStableFunc(f.list, func(a, b fact) int { return cmp.Compare(a.subject, b.subject) })
	return f.list
}

// hashFacts is the RulesHash of a catalogue with these facts.
func hashFacts(list []fact) string {
	h := sha256.New()
	h.Write([]byte("badgestream rules 1\n"))
	for _, f := range list {
		// Of three strings, JSON makes one that no other three make.
		line, err := json.Marshal([3]string{f.subject, f.property, f.value})
		if err != nil {
			continue // strings always marshal
		}
		h.Write(append(line, '\n'))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ruleFacts is all that decides which rows and awards a log gives.
func (c *Catalog) ruleFacts() []fact {
	f := &facts{}
	f.about("dedupe")
	f.say("window", "%d", c.DedupeWindow)
	for user := range c.System {
		f.about("system account %s", strconv.Quote(user))
		f.say("", "earns nothing")
	}
	for i := range c.Events {
		c.eventFacts(f, &c.Events[i])
	}
	for i := range c.Collections {
		c.collectionFacts(f, i)
	}
	for i := range c.Counters {
		c.counterFacts(f, i)
	}
	for i := range c.Badges {
		c.badgeFacts(f, &c.Badges[i])
	}
	return f.sorted()
}

func (c *Catalog) eventFacts(f *facts, ev *EventType) {
	f.about("event %s", ev.Shape.Type)
	if len(ev.Shape.Fields) == 0 {
		f.say("fields", "none")
	}
	for i := range ev.Shape.Fields {
		field := &ev.Shape.Fields[i]
		text := "id"
		switch field.Kind {
		case schemas.FieldInt:
			text = fmt.Sprintf("int [%d, %d]", field.Min, field.Max)
		case schemas.FieldEnum:
			text = fmt.Sprintf("enum %q", field.Values)
		case schemas.FieldSet:
			text = fmt.Sprintf("set %q", field.Values)
		}
		if field.Optional {
			text += ", may be absent"
		}
		f.say("field "+field.Name, "%s", text)
	}
}

// collectionFacts tells what rows there are and which rules change them. The
// rules of one event on one collection count in their order, as they may name
// the same row.
func (c *Catalog) collectionFacts(f *facts, i int) {
	col := &c.Collections[i]
	f.about("rows %s", col.Name)
	switch col.Kind {
	case Members:
		f.say("kind", "members")
	case Entities:
		f.say("kind", "things")
	case First:
		f.say("kind", "first %d", col.Places)
	case Age:
		f.say("kind", "age")
	}
	if col.Kind == Members {
		f.say("order", "%s", map[bool]string{false: "fold", true: "time"}[col.ByTime])
	}
	for e := range c.Events {
		ev := &c.Events[e]
		n := 0
		for r := range ev.Rules {
			if rule := &ev.Rules[r]; rule.Op != OpCount && rule.Collection == i {
				n++
				f.say(ruleName(ev, n), "%s", ev.describe(rule))
			}
		}
	}
	if col.Parent != None {
		for _, w := range col.Weights {
			f.say(fmt.Sprintf("sum %d", w.Target), "%s", w.describe())
		}
	}
}

func ruleName(ev *EventType, n int) string {
	if n == 1 {
		return "on " + ev.Shape.Type
	}
	return fmt.Sprintf("on %s (%d)", ev.Shape.Type, n)
}

// counterFacts tells where a counter's number comes from.
func (c *Catalog) counterFacts(f *facts, i int) {
	f.about("counter %s", c.Counters[i].Name)
	f.say("kind", "%s", map[CounterKind]string{Number: "number", Since: "age"}[c.Counters[i].Kind])
	for k := range c.Collections {
		col := &c.Collections[k]
		from := "from " + col.Name
		if col.Kind != Members && col.Kind != Entities && col.Counter == i {
			f.say(from, "its start")
		}
		for _, w := range col.Weights {
			if col.Parent == None && w.Target == i {
				f.say(from, "%s", w.describe())
			}
		}
		for _, t := range col.Terms {
			if t.Counter == i {
				f.say(from, "%s", c.describeTerm(k, t))
			}
		}
	}
	for e := range c.Events {
		var adds []string
		for r := range c.Events[e].Rules {
			if rule := &c.Events[e].Rules[r]; rule.Op == OpCount && rule.Counter == i {
				adds = append(adds, c.Events[e].describe(rule))
			}
		}
		slices.Sort(adds) // sums do not mind their order
		for n, text := range adds {
			f.say(ruleName(&c.Events[e], n+1), "%s", text)
		}
	}
}

func (c *Catalog) badgeFacts(f *facts, b *Badge) {
	f.about("badge %s", b.Slug)
	f.say("sticky", "%v", b.Sticky)
	if len(b.All) == 1 && b.All[0].Kind == AtLeast {
		f.say("counter", "%s", c.Counters[b.All[0].Counter].Name)
		f.say("at_least", "%d", b.All[0].Threshold)
		return
	}
	for i, cond := range b.All {
		text := fmt.Sprintf("%s at least %d", c.Counters[cond.Counter].Name, cond.Threshold)
		if cond.Kind == Ratio {
			text = fmt.Sprintf("%s of %s at least %v %%", c.Counters[cond.Counter].Name, c.Counters[cond.Whole].Name, float64(cond.Threshold)/100)
		}
		f.say(fmt.Sprintf("condition %d", i+1), "%s", text)
	}
}
