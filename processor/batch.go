package processor

import (
	"hash/maphash"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// Batch folds a run of records. It is used by one goroutine, and again after
// Reset. It copies what it keeps of the events.
type Batch struct {
	texts texts
	cat   *catalog.Catalog
	clock int64

	events  []Source
	first   []int64 // per event: the ordinal of its first change
	users   names
	byRank  []int32
	members []member
	find    index // of members
	things  []thing
	found   index // of things
	did     []memberAct
	done    []thingAct
	counted []userAct
	due     []Due
	given   int // things that came with the events, once the store was asked; else None

	// What the store's answers added; a rewind drops it.
	summed []thingAct
	drawn  []placeAct
	acts   []userAct
	sorted []userAct // counted and acts, by user and event

	// What the store is asked; each list is used again by the next batch.
	memberOps []MemberOp
	entityOps []EntityOp
	userOps   []UserOp

	values  []schemas.Value
	sort    sorter
	ranked  []userSpan
	adds    []int64 // arena of UserOp.Add
	changes []Change
	held    []HeldUpdate
	finals  []Final
	eval    evaluation
}

// member is a row of the members stage.
type member struct {
	user   int32
	coll   int16
	entity string
	name   string
	next   Next
	at     int64 // ByTime: of the outcome
	state  int32 // while walking
	stamp  int64 // while walking, ByTime
	thing  int32 // the parent's number, once needed
}

// thing is a row of the entities stage.
type thing struct {
	user  int32
	coll  int16
	name  string
	next  Next
	add   [catalog.MaxSums]int64
	state int32 // while walking
	sums  [catalog.MaxSums]int64
}

type memberAct struct {
	event, member int32
	op            catalog.Op
	code          int32
}

// thingAct is an operation on a thing, or with sum ≥ 0 an addition to that sum.
type thingAct struct {
	event, thing int32
	op           catalog.Op
	sum          int8
	delta        int64
}

type placeAct struct {
	event, user int32
	coll        int16
}

type userAct struct {
	user, event int32
	counter     int16
	delta       int64
}

// New makes an empty batch.
func New(cat *catalog.Catalog) *Batch {
	fields := 0
	for i := range cat.Events {
		fields = max(fields, len(cat.Events[i].Shape.Fields))
	}
	b := &Batch{cat: cat, values: make([]schemas.Value, fields)}
	b.users.seed = maphash.MakeSeed()
	b.eval = newEvaluation(cat)
	b.given = catalog.None
	return b
}

// Catalog returns the catalogue that the batch folds by.
func (b *Batch) Catalog() *catalog.Catalog { return b.cat }

// Reset empties the batch, and holds on to none of the strings given to it.
func (b *Batch) Reset() {
	clear(b.events)
	b.events, b.first = b.events[:0], b.first[:0]
	b.users.reset()
	clear(b.members)
	b.members = b.members[:0]
	b.find.reset()
	b.did, b.done, b.counted, b.due, b.clock = b.did[:0], b.done[:0], b.counted[:0], nil, 0
	clear(b.things)
	b.things = b.things[:0]
	b.found.reset()
	b.forget()
}

// Rewind forgets what the store answered and keeps the events, so that the
// batch can be folded again. The clock must be set anew.
func (b *Batch) Rewind() {
	if b.given != catalog.None {
		b.things = b.things[:b.given]
		b.found.truncate(b.given)
		for i := range b.things {
			b.things[i].add = [catalog.MaxSums]int64{}
		}
	}
	b.forget()
}

func (b *Batch) forget() {
	b.given = catalog.None
	b.summed, b.drawn, b.acts = b.summed[:0], b.drawn[:0], b.acts[:0]
	b.ranked = b.ranked[:0]
	clear(b.memberOps)
	clear(b.entityOps)
	clear(b.userOps)
	clear(b.changes)
	clear(b.held)
	clear(b.finals)
	b.changes, b.held, b.finals = b.changes[:0], b.held[:0], b.finals[:0]
}

// Empty reports whether no event of the batch may have an effect.
func (b *Batch) Empty() bool { return len(b.events) == 0 }

// SetClock says what time it is for ages: the latest tick folded, in Unix
// microseconds.
func (b *Batch) SetClock(at int64) { b.clock = at }

// Verdict is what became of a record.
type Verdict uint8

// The verdicts.
const (
	Folded    Verdict = iota // it is part of the batch
	Duplicate                // it stands in the window already
	Unknown                  // its type is not in the catalogue
	Tick                     // it says what time it is, and is folded by AddDue
)

// Add takes an event into the batch. The source's time must be set. It
// returns a *schemas.Reject if the event is not as the catalogue has it; only
// events that are valid and known are seen by the window.
func (b *Batch) Add(ev *schemas.Event, src Source, w *Window) (Verdict, error) {
	t, ok := b.cat.Types[ev.Type]
	if !ok {
		return Unknown, nil
	}
	et := &b.cat.Events[t]
	values := b.values[:len(et.Shape.Fields)]
	if err := et.Shape.Decode(ev, values); err != nil {
		return Unknown, err
	}
	if w.See(ev.Source, ev.ID, src.Offset) {
		return Duplicate, nil
	}
	if et.Tick {
		return Tick, nil
	}
	event := int32(-1)
	for i := range et.Rules {
		r := &et.Rules[i]
		credit := refer(r.Credit, ev, values)
		if b.exempt(r, credit, ev, values) {
			continue
		}
		if event < 0 {
			event = b.event(src, 0)
		}
		b.apply(event, r, b.users.number(credit, &b.texts), ev, values)
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

// exempt reports whether the rule credits nobody this time.
func (b *Batch) exempt(r *catalog.Rule, credit string, ev *schemas.Event, values []schemas.Value) bool {
	if _, system := b.cat.System[credit]; system {
		return true
	}
	for _, pair := range r.Unless {
		if refer(pair[0], ev, values) == refer(pair[1], ev, values) {
			return true
		}
	}
	return false
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
