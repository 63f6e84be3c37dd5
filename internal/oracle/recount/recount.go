// Package recount says what a log of activity gives, as plainly as it can be
// said: maps, one event at a time, every criterion of a user looked at after
// each event. It shares nothing with the engine but the wire formats and the
// parsed catalogue, so that a mistake of one is not a mistake of the other.
//
// Whoever uses it gives it the records in the order in which they were folded,
// which is the ledger's, and compares what it answers with what the engine
// wrote.
package recount

import (
	"maps"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// Partition is one partition of one topic.
type Partition struct {
	Topic     string
	Partition int32
}

// Record is one record of the log.
type Record struct {
	Partition
	Offset    int64
	Timestamp int64 // Unix milliseconds, as Kafka has it; math.MinInt64 for a line of a file
	Key       []byte
	Value     []byte
	Headers   []schemas.Header
	// Refused says that it was rejected when it was folded, whatever there is to
	// say of it now: it counts nowhere.
	Refused bool
}

// Verdict is what a record is.
type Verdict uint8

// The verdicts.
const (
	Counted   Verdict = iota // an event, which may have changed something
	Duplicate                // an event that stands in the window, or for one that counts
	Unknown                  // an event of a type that the catalogue has not
	Tick                     // it says what time it is: Step counts it
	Rejected                 // no valid event
	Switch                   // an operator's wish, which Asked tells
	Decided                  // a person's decision, which Decision tells
	Erased                   // users are erased, whom Erasure tells
)

// Recount is the state that the records so far give.
type Recount struct {
	group   string
	cat     *catalog.Catalog
	version int64
	whose   func(user string) bool

	users   map[string]*User
	windows map[Partition]*window
	ticks   map[Partition]tick // the tick that each partition is in
	asked   map[Partition]Ask  // the last switch of each partition
	// refused are the offsets of each partition's records that were rejected.
	refused map[Partition]map[int64]struct{}
	// decided is the last decision of each partition.
	decided map[Partition]Decision
	// first holds, for each collection that gives places, who drew one.
	first map[int]map[string]struct{}
	// erased are users who are no more, by hash, and erasures the last record of
	// each partition that made some so.
	hash     func(user string) schemas.UserHash
	erased   map[schemas.UserHash]struct{}
	erasures map[Partition]Erasure
	clock    int64
	aging    aging
}

// User is what is known of one user.
type User struct {
	Name string
	// Version is the number of events that had an effect on the user.
	Version  int64
	Counters []int64          // as the catalogue has them; of an age, when it began
	Held     map[string]int64 // slug → when it was earned
	Settled  Settled          // by slug
	Pins     []string         // slugs, in the order in which they were pinned
	Rows     map[RowKey]*Row
	Things   map[ThingKey]*Thing
}

// RowKey names a member of a collection.
type RowKey struct {
	Collection     int
	Entity, Member string
}

// Row is the state of a member: dead, absent or the code of its value.
type Row struct {
	State int64
	// At is the latest event time, of collections that go by it.
	At    int64
	timed bool
}

// ThingKey names a thing.
type ThingKey struct {
	Collection int
	Thing      string
}

// Thing is what users make and others act upon.
type Thing struct {
	State int64
	Sums  [catalog.MaxSums]int64
}

// The states that are no value's code.
const (
	dead   = -1
	absent = 0
)

// New makes the recount of an empty log. If whose is not nil, only the users
// of whom it is true are counted; what others do to them still is.
func New(group string, cat *catalog.Catalog, version int64, whose func(user string) bool) *Recount {
	return &Recount{
		group: group, cat: cat, version: version, whose: whose,
		users: map[string]*User{}, windows: map[Partition]*window{}, ticks: map[Partition]tick{}, asked: map[Partition]Ask{}, decided: map[Partition]Decision{},
		refused: map[Partition]map[int64]struct{}{}, first: map[int]map[string]struct{}{},
		erased: map[schemas.UserHash]struct{}{}, erasures: map[Partition]Erasure{}, aging: newAging(cat),
	}
}

// Switch goes on by another version of the catalogue, which has the same
// rules: counters may stand in another order, badges be called otherwise.
func (r *Recount) Switch(cat *catalog.Catalog, version int64) error {
	if version == r.version {
		return nil
	}
	if cat.RulesHash != r.cat.RulesHash {
		return errors.Newf("version %d of the catalogue counts otherwise than version %d: one group folds by one set of rules", version, r.version)
	}
	from := make([]int, len(cat.Counters))
	for i := range cat.Counters {
		from[i] = slices.IndexFunc(r.cat.Counters, func(c catalog.Counter) bool { return c.Name == cat.Counters[i].Name })
	}
	for _, u := range r.users {
		was := slices.Clone(u.Counters)
		for i, k := range from {
			u.Counters[i] = was[k]
		}
	}
	r.cat, r.version = cat, version
	return nil
}

// Record counts one record. The badge events are what it made begin or cease
// to be held, by user and then as the catalogue shows badges, numbered from 0.
// The reject says why it is no valid event. It keeps nothing of the record.
func (r *Recount) Record(rec *Record) (Verdict, []schemas.BadgeEvent, *schemas.Reject) {
	ev, def, values, why := r.read(rec)
	switch {
	case why != nil || rec.Refused:
		r.refuse(rec)
		return Rejected, nil, why
	case def == nil && r.asks(rec, ev):
		wish, _ := schemas.ParseSwitch(ev.Data) // read has done so
		r.asked[rec.Partition] = Ask{Switch: wish, At: ev.Time, Cause: causeOf(rec, ev)}
		return Switch, nil, nil
	case def == nil && r.erasesUsers(rec, ev):
		r.erase(rec, ev)
		return Erased, nil, nil
	case def == nil && !r.decides(rec, ev):
		return Unknown, nil, nil
	}
	if r.windows[rec.Partition] == nil {
		r.windows[rec.Partition] = newWindow(r.cat.DedupeWindow)
	}
	if r.windows[rec.Partition].see(ev.Source, ev.ID, rec.Offset) || r.repeats(rec) {
		return Duplicate, nil, nil
	}
	cause := causeOf(rec, ev)
	if def == nil && r.gone(ev.Subject) {
		return Counted, nil, nil
	}
	if def == nil {
		return Decided, r.decide(ev, cause), nil
	}
	if def.Tick {
		r.ticks[rec.Partition] = tick{cause: cause, at: ev.Time}
		return Tick, nil, nil
	}
	e := &event{Event: ev, values: values, before: map[string][]int64{}}
	for k := range def.Rules {
		r.rule(&def.Rules[k], e)
	}
	var changes []schemas.BadgeEvent
	for _, name := range slices.Sorted(maps.Keys(e.before)) {
		changes = r.settle(changes, r.users[name], e.before[name], cause, ev.Time)
	}
	return Counted, numbered(changes, 0), nil
}

func causeOf(rec *Record, ev *schemas.Event) schemas.Cause {
	return schemas.Cause{Topic: rec.Topic, Partition: rec.Partition.Partition, Offset: rec.Offset, ID: strings.Clone(ev.ID), Source: strings.Clone(ev.Source)}
}

// Decision is what somebody decided last in a partition.
func (r *Recount) Decision(p Partition) Decision { return r.decided[p] }

// Users are all users of whom anything is known, by name.
func (r *Recount) Users() map[string]*User { return r.users }

// Catalog is the catalogue by which the recount goes.
func (r *Recount) Catalog() *catalog.Catalog { return r.cat }

// Clock is the time of the latest tick in Unix microseconds, 0 before any.
func (r *Recount) Clock() int64 { return r.clock }

// Places are how many places of a collection are taken.
func (r *Recount) Places(collection int) int64 { return int64(len(r.first[collection])) }

// numbered numbers the badge events of one cause.
func numbered(changes []schemas.BadgeEvent, from int64) []schemas.BadgeEvent {
	for i := range changes {
		changes[i].Ordinal = from + int64(i)
	}
	return changes
}
