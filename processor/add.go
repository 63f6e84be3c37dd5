package processor

import (
	"hash/maphash"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// Verdict is what became of a record.
type Verdict uint8

// The verdicts.
const (
	Folded    Verdict = iota // it is part of the batch
	Duplicate                // it stands in the window already, or for one that counts
	Unknown                  // its type is not in the catalogue
	Tick                     // it says what time it is, and is folded by AddDue
)

// Add takes an event into the batch. The source's time must be set. It
// returns a *schemas.Reject if the event is not as the catalogue has it; only
// events that are valid and known are seen by the window.
func (b *Batch) Add(ev *schemas.Event, src Source, w *Window) (Verdict, error) {
	return b.add(ev, src, w, false)
}

// Repeat takes an event that stands for one before it which counts already, as
// a redriven one can: it is a duplicate, whatever the window has. Else it is as
// Add.
func (b *Batch) Repeat(ev *schemas.Event, src Source, w *Window) (Verdict, error) {
	return b.add(ev, src, w, true)
}

func (b *Batch) add(ev *schemas.Event, src Source, w *Window, counts bool) (Verdict, error) {
	t, ok := b.cat.Types[ev.Type]
	if !ok {
		return Unknown, nil
	}
	et := &b.cat.Events[t]
	values := b.values[:len(et.Shape.Fields)]
	if err := et.Shape.Decode(ev, values); err != nil {
		return Unknown, err
	}
	if w.See(ev.Source, ev.ID, src.Offset) || counts {
		return Duplicate, nil
	}
	if et.Tick {
		return Tick, nil
	}
	event := int32(-1)
	for i := range et.Rules {
		r := &et.Rules[i]
		credit := refer(r.Credit, ev, values)
		if b.exempt(r, credit, ev, values) != Credited {
			continue
		}
		user := b.users.number(credit, &b.texts)
		if b.isErased(user) {
			continue
		}
		if event < 0 {
			event = b.event(src, 0)
		}
		b.apply(event, r, user, ev, values)
	}
	return Folded, nil
}

// Credited are the users whom the batch's events may have credited.
func (b *Batch) Credited() []string { return b.users.all }

func (b *Batch) event(src Source, ordinal int64) int32 {
	src.ID = b.texts.keep(src.ID)
	if n := len(b.events); n > 0 && b.events[n-1].Origin == src.Origin {
		src.Origin = b.events[n-1].Origin
	} else {
		src.Origin = b.texts.keep(src.Origin)
	}
	b.events = append(b.events, src)
	b.first = append(b.first, ordinal)
	return int32(len(b.events) - 1)
}

func refer(r catalog.Ref, ev *schemas.Event, values []schemas.Value) string {
	switch r {
	case catalog.RefNone:
		return ""
	case catalog.RefSubject:
		return ev.Subject
	}
	return values[r].S
}

// exempt reports whether the rule credits nobody this time, and why.
func (b *Batch) exempt(r *catalog.Rule, credit string, ev *schemas.Event, values []schemas.Value) Exemption {
	if _, system := b.cat.System[credit]; system {
		return SystemAccount
	}
	for _, pair := range r.Unless {
		if refer(pair[0], ev, values) == refer(pair[1], ev, values) {
			return Unless
		}
	}
	return Credited
}

// apply notes what the rule does, and composes it with what earlier events
// of the batch do to the same row.
func (b *Batch) apply(event int32, r *catalog.Rule, user int32, ev *schemas.Event, values []schemas.Value) {
	value := r.Value
	if r.ValueFrom >= 0 {
		value += values[r.ValueFrom].N
	}
	if r.Op == catalog.OpCount {
		if r.Negate {
			value = -value
		}
		b.counted = append(b.counted, userAct{user, event, int16(r.Counter), value})
		return
	}
	entity := refer(r.Entity, ev, values)
	if b.cat.Collections[r.Collection].Kind == catalog.Entities {
		n := b.thing(user, int16(r.Collection), entity)
		b.things[n].next = b.things[n].next.then(r.Op, 1)
		b.done = append(b.done, thingAct{event: event, thing: n, op: r.Op, sum: -1})
		return
	}
	n := b.member(user, int16(r.Collection), entity, refer(r.Member, ev, values))
	m := &b.members[n]
	b.did = append(b.did, memberAct{event, n, r.Op, int32(value)})
	if !b.cat.Collections[r.Collection].ByTime {
		m.next = m.next.then(r.Op, int32(value))
	} else if at := b.events[event].Time; at >= m.at {
		m.at, m.next = at, unchanged().then(r.Op, int32(value))
	}
}

const mix = 0x9E3779B97F4A7C15

func (b *Batch) member(user int32, coll int16, entity, name string) int32 {
	h := maphash.String(b.users.seed, name) ^ (uint64(user)<<16|uint64(coll))*mix
	if entity != "" {
		h ^= maphash.String(b.users.seed, entity) * mix
	}
	n, added := b.find.find(h, func(n int32) bool {
		m := &b.members[n]
		return m.user == user && m.coll == coll && m.entity == entity && m.name == name
	})
	if added {
		b.members = append(b.members, member{user: user, coll: coll, entity: b.texts.keep(entity), name: b.texts.keep(name), next: unchanged(), at: NoTime, thing: catalog.None})
	}
	return n
}

func (b *Batch) thing(user int32, coll int16, name string) int32 {
	h := maphash.String(b.users.seed, name) ^ (uint64(user)<<16|uint64(coll))*mix
	n, added := b.found.find(h, func(n int32) bool {
		t := &b.things[n]
		return t.user == user && t.coll == coll && t.name == name
	})
	if added {
		b.things = append(b.things, thing{user: user, coll: coll, name: b.texts.keep(name), next: unchanged()})
	}
	return n
}
