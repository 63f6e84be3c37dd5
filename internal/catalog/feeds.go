package catalog

import (
	"fmt"
	"strconv"

	"github.com/badgestream/badgestream/schemas"
)

// Move says which way a counter goes.
type Move string

// The moves.
const (
	Up     Move = "up"
	Down   Move = "down"
	Either Move = "either" // it depends on the value, and on what was there
)

// Feed is one way in which events of one type move a counter.
type Feed struct {
	Event  string   `json:"event"`            // the type
	Credit string   `json:"credit"`           // who is credited: subject, or the field that names the user
	Moves  Move     `json:"moves"`            // which way
	Does   string   `json:"does"`             // how, for people
	Where  string   `json:"where,omitempty"`  // what must be so of the event's data
	Unless []string `json:"unless,omitempty"` // what must not be so
}

// Feeds lists what moves a counter, event by event in the catalogue's order,
// what raises it first.
func (c *Catalog) Feeds(counter int) []Feed {
	var up, down []Feed
	for e := range c.Events {
		ev := &c.Events[e]
		for r := range ev.Rules {
			for _, f := range c.feedsOf(ev, &ev.Rules[r], counter) {
				f.Event, f.Credit = ev.Shape.Type, ev.refName(ev.Rules[r].Credit)
				for _, pair := range ev.Rules[r].Unless {
					f.Unless = append(f.Unless, ev.refName(pair[0])+" is "+ev.refName(pair[1]))
				}
				if f.Moves == Down {
					down = append(down, f)
				} else {
					up = append(up, f)
				}
			}
		}
	}
	return append(up, down...)
}

// feedsOf says how one rule moves the counter, if it does.
func (c *Catalog) feedsOf(ev *EventType, r *Rule, counter int) []Feed {
	if r.Op == OpCount {
		if r.Counter != counter {
			return nil
		}
		amount := strconv.FormatInt(r.Value, 10)
		if r.ValueFrom >= 0 {
			amount = ev.refName(r.ValueFrom)
		}
		if r.Negate {
			return []Feed{{Moves: Down, Does: "subtracts " + amount}}
		}
		return []Feed{{Moves: Up, Does: "adds " + amount}}
	}
	col := &c.Collections[r.Collection]
	switch col.Kind {
	case First:
		if col.Counter == counter {
			return []Feed{{Moves: Up, Does: fmt.Sprintf("draws one of %d places, the first time", col.Places)}}
		}
	case Age:
		if col.Counter == counter {
			return []Feed{{Moves: Up, Does: "begins to count days, the first time"}}
		}
	case Entities:
		return c.thingFeeds(r, col, ev, counter)
	case Members:
		return c.memberFeeds(ev, r, col, counter)
	}
	return nil
}

// thingFeeds are those of a rule that makes or deletes a thing.
func (c *Catalog) thingFeeds(r *Rule, col *Collection, ev *EventType, counter int) []Feed {
	for _, t := range col.Terms {
		switch {
		case t.Counter != counter:
		case r.Op == OpDelete:
			return []Feed{{Moves: Down, Does: "takes " + ev.refName(r.Entity) + " away for good, with all that it counts"}}
		case t.Kind == TermPresent:
			return []Feed{{Moves: Up, Does: "counts " + ev.refName(r.Entity) + ", once"}}
		}
	}
	return nil
}

// memberFeeds are those of a rule about members, which count by themselves or
// for the thing that they belong to.
func (c *Catalog) memberFeeds(ev *EventType, r *Rule, col *Collection, counter int) []Feed {
	member := "the value"
	if r.Member != RefNone {
		member = ev.refName(r.Member)
	}
	if col.Parent == None {
		var feeds []Feed
		for _, w := range col.Weights {
			if w.Target == counter {
				feeds = append(feeds, weightFeeds(ev, r, w, member)...)
			}
		}
		return feeds
	}
	member += " of " + ev.refName(r.Entity)
	for _, t := range c.Collections[col.Parent].Terms {
		if t.Counter != counter || t.Kind == TermPresent {
			continue
		}
		for _, w := range col.Weights {
			switch {
			case w.Target != t.Sum:
			case t.Kind == TermMean:
				return []Feed{{Moves: Either, Does: fmt.Sprintf("changes the mean of %s, which counts from %.*f on", ev.refName(r.Entity), t.Decimals, c.meanAtLeast(t))}}
			default:
				return weightFeeds(ev, r, w, member)
			}
		}
	}
	return nil
}

func (c *Catalog) meanAtLeast(t Term) float64 {
	at := float64(t.AtLeast)
	for range t.Decimals {
		at /= 10
	}
	return at
}

// weightFeeds are those of one rule about a row with one weight.
func weightFeeds(ev *EventType, r *Rule, w Weight, member string) []Feed {
	if r.Op == OpUnset || r.Op == OpDelete {
		does := "takes " + member + " away"
		if r.Op == OpDelete {
			does += " for good"
		}
		return []Feed{{Moves: Down, Does: does}}
	}
	switch {
	case w.Kind == WeightValue && r.ValueFrom >= 0:
		return []Feed{{Moves: Either, Does: fmt.Sprintf("sets %s to %s", member, ev.refName(r.ValueFrom))}}
	case w.Kind == WeightValue:
		return []Feed{{Moves: Either, Does: fmt.Sprintf("sets %s to %d", member, r.Value+w.Offset)}}
	case w.Kind == WeightPresent && r.Op == OpUpdate:
		return nil
	case w.Kind == WeightPresent:
		return []Feed{{Moves: Up, Does: "counts " + member + ", once"}}
	case r.ValueFrom < 0 && r.Value == w.Code:
		return []Feed{{Moves: Up, Does: "counts " + member + ", once"}}
	case r.ValueFrom < 0:
		return []Feed{{Moves: Down, Does: "gives " + member + " another value"}}
	}
	field := &ev.Shape.Fields[r.ValueFrom]
	value := strconv.FormatInt(w.Code-r.Value, 10)
	if n := int(w.Code - r.Value); field.Kind == schemas.FieldEnum && n >= 0 && n < len(field.Values) {
		value = field.Values[n]
	}
	return []Feed{
		{Moves: Up, Does: "counts " + member + ", once", Where: field.Name + " is " + value},
		{Moves: Down, Does: "gives " + member + " another value", Where: field.Name + " is not " + value},
	}
}
