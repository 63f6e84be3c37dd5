package catalog

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/badgestream/badgestream/schemas"
)

// defaultWindow is the duplicate window of a catalogue that names none.
const defaultWindow = 100_000

// compiler turns the file's tree into a Catalog. It reads what it can of a
// tree that the schema has complaints about, so that all errors come at once:
// a value of the wrong type reads as absent.
type compiler struct {
	*report
	cat *Catalog
	// collections by name, until they are sorted.
	collections map[string]*collection
	counters    map[string]int
	ceilings    []int64 // per counter: the most it can ever be, 0 if there is no most
	totalRules  []totalDraft
	unclear     map[string]bool // fields of no readable kind, so that their rules are not blamed
	ratios      map[string]ratio
	names       map[string]pos // things, counters and ratios share their names
}

func compile(root *node, r *report) *Catalog {
	c := &compiler{
		report:      r,
		cat:         &Catalog{DedupeWindow: defaultWindow, System: map[string]struct{}{}},
		collections: map[string]*collection{},
		counters:    map[string]int{},
		unclear:     map[string]bool{},
		ratios:      map[string]ratio{},
		names:       map[string]pos{},
	}
	c.head(root)
	c.events(root.get("events"))
	c.things(root.get("things"))
	c.countersOf(root.get("counters"))
	c.ratiosOf(root.get("ratios"))
	c.link()
	c.badges(root.get("badges"))
	return c.cat
}

func (c *compiler) head(root *node) {
	c.cat.Name, _ = root.get("name").text()
	if n, ok := root.get("dedupe").get("window").integer(); ok {
		c.cat.DedupeWindow = n
	}
	for _, n := range root.get("system_accounts").list() {
		user, ok := n.text()
		if !ok {
			continue
		}
		if _, again := c.cat.System[user]; again {
			c.at(n.pos, "%q stands here a second time: keep one of them", user)
		}
		if len(user) > schemas.MaxIDBytes {
			c.at(n.pos, "this has %d bytes: a user's id has at most %d", len(user), schemas.MaxIDBytes)
		}
		c.cat.System[user] = struct{}{}
	}
}

// events declares the event types, sorted by name, with their fields, sorted
// by name, so that the compiled form does not depend on the file's order.
func (c *compiler) events(n *node) {
	types := []EventType{{Shape: schemas.Shape{Type: schemas.TickType, NoSubject: true}, Tick: true}}
	for _, e := range n.object() {
		if strings.HasPrefix(e.key, "badgestream.") {
			c.at(e.pos, "event types that begin with badgestream. are its own: leave it out")
			continue
		}
		shape := schemas.Shape{Type: e.key}
		for _, f := range e.value.object() {
			field, ok := c.field(f)
			if !ok {
				c.unclear[field.Name] = true
			}
			shape.Fields = append(shape.Fields, field)
		}
		slices.SortFunc(shape.Fields, func(a, b schemas.Field) int { return strings.Compare(a.Name, b.Name) })
		for i := 1; i < len(shape.Fields); i++ {
			if name := shape.Fields[i].Name; name == shape.Fields[i-1].Name {
				c.at(e.value.keyPos(name+"?"), "%q stands here with ? and without: keep one of them", name)
			}
		}
		types = append(types, EventType{Shape: shape})
	}
	slices.SortFunc(types, func(a, b EventType) int { return strings.Compare(a.Shape.Type, b.Shape.Type) })
	c.cat.Events = types
	c.cat.Types = make(map[string]int, len(types))
	for i := range types {
		c.cat.Types[types[i].Shape.Type] = i
	}
}

func (c *compiler) field(e entry) (schemas.Field, bool) {
	name, optional := strings.CutSuffix(e.key, "?")
	f := schemas.Field{Name: name, Optional: optional}
	if name == "subject" {
		c.at(e.pos, "subject always means the user who acts: a field of that name cannot be used, leave it out")
		return f, true
	}
	if kind, ok := e.value.text(); ok {
		return f, kind == "id"
	}
	if bounds := e.value.get("int").list(); len(bounds) == 2 {
		f.Kind = schemas.FieldInt
		f.Min, _ = bounds[0].integer()
		f.Max, _ = bounds[1].integer()
		if f.Min > f.Max {
			c.at(bounds[0].pos, "from %d to %d is the wrong way round: write [%d, %d]", f.Min, f.Max, f.Max, f.Min)
			f.Min, f.Max = f.Max, f.Min
		}
		return f, true
	}
	values := e.value.get("enum")
	f.Kind = schemas.FieldEnum
	if values == nil {
		values = e.value.get("set")
		f.Kind = schemas.FieldSet
	}
	for _, v := range values.list() {
		text, ok := v.text()
		if ok && slices.Contains(f.Values, text) {
			c.at(v.pos, "%q stands here a second time: keep one of them", text)
		}
		if ok {
			f.Values = append(f.Values, text)
		}
	}
	if f.Kind == schemas.FieldSet {
		slices.Sort(f.Values) // which of them count, whatever their order
	}
	return f, len(f.Values) > 0
}

// taken claims a name that things, counters and ratios may have once between
// them.
func (c *compiler) taken(e entry) bool {
	first, again := c.names[e.key]
	if again {
		c.at(e.pos, "the name %q is taken on line %d: things, counters and ratios need names of their own", e.key, first.line)
		return true
	}
	c.names[e.key] = e.pos
	return false
}

// eventTypes lists the declared types, for advice.
func (c *compiler) eventTypes() []string {
	types := slices.Sorted(maps.Keys(c.cat.Types))
	return slices.DeleteFunc(types, func(t string) bool { return t == schemas.TickType })
}

// text returns a scalar that is a text.
func (n *node) text() (string, bool) {
	if n == nil || n.kind != scalarNode {
		return "", false
	}
	s, ok := n.value.(string)
	return s, ok
}

// integer returns a scalar that is a whole number.
func (n *node) integer() (int64, bool) {
	if n == nil || n.kind != scalarNode {
		return 0, false
	}
	switch v := n.value.(type) {
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= 1<<62
	case float64:
		return int64(v), v == float64(int64(v)) // JSON Schema takes 5.0 for an integer
	}
	return 0, false
}

// decimal returns a scalar that is a number.
func (n *node) decimal() (float64, bool) {
	if n == nil || n.kind != scalarNode {
		return 0, false
	}
	if v, ok := n.value.(float64); ok {
		return v, true
	}
	v, ok := n.integer()
	return float64(v), ok
}

func (n *node) yes() bool {
	return n != nil && n.value == true
}

func (n *node) list() []*node {
	if n == nil {
		return nil
	}
	return n.items
}

func (n *node) object() []entry {
	if n == nil {
		return nil
	}
	return n.entries
}

// show prints a scalar for messages.
func (n *node) show() string {
	if s, ok := n.text(); ok {
		return strconv.Quote(s)
	}
	if v, ok := n.integer(); ok {
		return strconv.FormatInt(v, 10)
	}
	return "this"
}
