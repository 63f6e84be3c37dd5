// Package processor is the pure fold: what a batch of activity events does to
// rows, and which badges that awards and revokes. It reads no clock, no
// network and no random source; the rows come from a store, stage by stage:
//
//	members   sets, last-value maps, gauges, firsts, ages
//	entities  what members add up to per thing (a location, a review)
//	places    the next numbers of first-N counters
//	users     the counters, one row per user
//
// In each stage the batch names its rows, with what shall become of each; the
// store upserts them, locks them by that, in an order that is the same for all
// who fold, and answers with the state before. Only then the batch knows the next stage's rows.
// The order of calls is Add…, Members, ApplyMembers, Entities, ApplyEntities,
// Places, ApplyPlaces, Users, ApplyUsers, and then the results.
package processor

import (
	"math"

	"github.com/badgestream/badgestream/internal/catalog"
)

// The states of a member or entity row. A state above Absent is a value code.
const (
	Dead   int32 = -1
	Absent int32 = 0
	// Keep, as an outcome, leaves a present row as it is.
	Keep int32 = -2
)

// Next is what a batch makes of one row: its outcome for each state that the
// row may have had. A dead row stays dead.
type Next struct {
	IfAbsent  int32 // Absent, Dead or a code
	IfPresent int32 // Absent, Dead, Keep or a code
}

// After applies the outcome to a state.
func (n Next) After(state int32) int32 {
	switch {
	case state == Dead:
		return Dead
	case state == Absent:
		return n.IfAbsent
	case n.IfPresent == Keep:
		return state
	}
	return n.IfPresent
}

// MemberKey names a member row.
type MemberKey struct {
	User       string
	Collection int16
	Entity     string
	Member     string
}

// MemberOp is what the batch does to one member row.
type MemberOp struct {
	MemberKey
	Next
	// At is the event time that the outcome carries, in Unix microseconds, for
	// collections that are ByTime: the outcome holds only if the row's own time
	// is not later. Zero elsewhere.
	At int64
}

// NoTime is the time of a row that never had one: earlier than all others.
const NoTime = math.MinInt64

// MemberPrior is a member row as it was before the batch.
type MemberPrior struct {
	State int32
	At    int64 // collections that are ByTime; NoTime if there was no row
}

// EntityKey names an entity row.
type EntityKey struct {
	User       string
	Collection int16
	Entity     string
}

// EntityOp is what the batch does to one entity row.
type EntityOp struct {
	EntityKey
	Next
	Add [catalog.MaxSums]int64
}

// EntityRow is an entity row's state before the batch, and its sums after it.
type EntityRow struct {
	Prior int32
	Sums  [catalog.MaxSums]int64
}

// PlaceOp asks for the next Count places of a First collection, which has
// Places in all. The store counts those taken up to that number and no further,
// so that a row once full stays as it is, and need be asked no more.
type PlaceOp struct {
	Collection    int16
	Count, Places int64
}

// UserOp is what the batch adds to one user's row.
type UserOp struct {
	User string
	// Events is how many events had an effect on the user: what the version
	// rises by.
	Events int64
	// Add has one number per counter of the catalogue.
	Add []int64
	// DueAt is the next instant at which time alone may change a badge, in
	// Unix microseconds, 0 if the batch sets none. The earlier of it and the
	// row's own stays, unless SetDue: then it replaces it (0: nothing is due).
	DueAt  int64
	SetDue bool
}

// Held is a badge that a user holds.
type Held struct {
	Badge int16 // catalog.Badge.ID
	At    int64 // when it was earned, in Unix microseconds
}

// UserRow is a user's row after the batch's additions. Counters has one
// number per counter of the catalogue; Held and ByHand are as they were before,
// Held ascending by Badge.
type UserRow struct {
	Version  int64
	Counters []int64
	Held     []Held
	ByHand   *ByHand
}

// Due is a user whom the present makes due, as the store finds him: DueAt is
// the instant that has come.
type Due struct {
	User     string
	DueAt    int64
	Counters []int64 // at least those of kind age
}

// Change is one badge that starts or stops being held.
type Change struct {
	User    string
	Badge   int // index in catalog.Badges
	Revoked bool
	// Source is the event that did it.
	Source Source
	// Ordinal numbers the changes of one record from 0.
	Ordinal int64
	// EarnedAt is when a revoked badge had been earned; of an awarded one it
	// is the source's time.
	EarnedAt int64
	// ByHand says that a person decided it.
	ByHand bool
	// Version is the user's, after the source event.
	Version int64
	// Counters are the values of the criterion's counters at that moment, in
	// the order of catalog.CriterionCounters.
	Counters []int64
}

// Source is the record that caused something.
type Source struct {
	Topic     string
	Partition int32
	Offset    int64
	ID        string // the event's id
	Origin    string // the event's source
	Time      int64  // Unix microseconds
}

// HeldUpdate is a user's badges after the batch, for those whom it changed.
type HeldUpdate struct {
	User string
	Held []Held
}

// Final is a user's row as the batch leaves it: what his snapshot shows.
type Final struct {
	User     string
	Version  int64
	Counters []int64
	Held     []Held
	ByHand   *ByHand
}
