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

	erased func(user string) bool
	gone   []bool // by user, as far as asked for

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
	// decisions are what people decided, see byHand.
	decisions []decision
	given     int // things that came with the events, once the store was asked; else None

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
	hands   []HandUpdate
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
	b.gone = b.gone[:0]
	clear(b.members)
	b.members = b.members[:0]
	b.find.reset()
	b.did, b.done, b.counted, b.due, b.clock = b.did[:0], b.done[:0], b.counted[:0], nil, 0
	clear(b.decisions)
	b.decisions = b.decisions[:0]
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
	clear(b.hands)
	clear(b.finals)
	b.changes, b.held, b.hands, b.finals = b.changes[:0], b.held[:0], b.hands[:0], b.finals[:0]
}

// Empty reports whether no event of the batch may have an effect.
func (b *Batch) Empty() bool { return len(b.events) == 0 }

// SetClock says what time it is for ages: the latest tick folded, in Unix
// microseconds.
func (b *Batch) SetClock(at int64) { b.clock = at }
