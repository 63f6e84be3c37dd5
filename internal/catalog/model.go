// Package catalog holds the definitions: which events there are, what they
// add to whose counters, and which badges that earns. It parses and checks a
// catalogue file and compiles it to tables dispatched by event type and
// sorted by threshold.
package catalog

import "github.com/badgestream/badgestream/schemas"

// None marks an index that points nowhere.
const None = -1

// Catalog is a checked, compiled catalogue. It is immutable.
type Catalog struct {
	Name string
	// Text is the file as it was read.
	Text []byte
	// RulesHash identifies all that decides which rows and awards a log
	// gives: events, counters, criteria, stickiness, system accounts and the
	// duplicate window. Names, descriptions, tiers, rarity and order are not
	// part of it. Hex of SHA-256.
	RulesHash string
	// DedupeWindow is how many offsets back in its partition an equal
	// (source, id) makes an event a duplicate.
	DedupeWindow int64
	// System holds the accounts that earn nothing.
	System map[string]struct{}

	Types       map[string]int // event type → index in Events
	Events      []EventType
	Collections []Collection // by name; the index is stored in rows
	Counters    []Counter    // in the file's order
	Badges      []Badge      // in display order
	Groups      []Group      // in display order
	ByID        []int        // Badge.ID → index in Badges
	// Ages lists the counters of kind age; HasAgeBadges says whether a badge
	// depends on one, so that ticks have something to do.
	Ages         []int
	HasAgeBadges bool
}

// EventType is one type of activity event with what it does.
type EventType struct {
	Shape schemas.Shape
	Rules []Rule
	// Tick is set for badgestream.tick alone.
	Tick bool
}

// Ref says where a rule takes a string or number from: a field of the data
// by index, or one of the constants below.
type Ref int16

// Refs that are no field.
const (
	RefNone    Ref = -1 // nothing: the empty string
	RefSubject Ref = -2 // the acting user
)

// Op is what a rule does to the row it names. A row is absent, present with
// a value, or dead; dead is for ever.
type Op uint8

// The operations.
const (
	// OpSet makes the row present with the value, unless it is dead.
	OpSet Op = iota
	// OpUnset makes it absent, unless it is dead.
	OpUnset
	// OpInsert makes it present with the value if it is absent.
	OpInsert
	// OpUpdate gives it the value if it is present.
	OpUpdate
	// OpDelete makes it dead, whatever it was.
	OpDelete
	// OpCount has no row: it adds the value to Counter at each event.
	OpCount
)

// Rule is one thing that an event does, to one user's credit.
type Rule struct {
	Op     Op
	Credit Ref // who is credited
	// Collection and the keys of the row; not for OpCount.
	Collection int
	Entity     Ref
	Member     Ref
	// Value: the row's value code (OpSet, OpInsert, OpUpdate), or what OpCount
	// adds. With ValueFrom ≥ 0 the code is that field's N + Value, else Value.
	// Codes of rows are ≥ 1.
	Value     int64
	ValueFrom Ref
	Negate    bool // OpCount subtracts
	Counter   int  // OpCount
	// Unless: the rule is passed over if any pair of refs holds equal strings.
	Unless [][2]Ref
}

// CollectionKind says what a collection's rows are.
type CollectionKind uint8

// The kinds of collections.
const (
	// Members are rows (user, collection, entity, member) with a value: sets,
	// maps that keep the last value, gauges (one member with no name).
	Members CollectionKind = iota
	// Entities are rows (user, collection, entity) with a state and sums over
	// the Members collections whose Parent they are.
	Entities
	// First is a Members collection whose first insertion per user draws the
	// next place of the whole system; Counter is 1 for the first Places.
	First
	// Age is a Members collection whose first insertion per user starts the
	// clock: Counter holds its time, in Unix microseconds.
	Age
)

// MaxSums is how many sums an entity row has.
const MaxSums = 4

// Collection is one kind of row kept per user.
type Collection struct {
	Name   string
	Kind   CollectionKind
	Parent int // Members of an entity: its collection; else None
	// ByTime: of two values the one of the later event time stays (equal
	// times: the one folded later). Otherwise the one folded later.
	ByTime  bool
	Weights []Weight // Members: what a row adds, by its state
	Terms   []Term   // Entities: what a row adds to counters
	Counter int      // First, Age
	Places  int64    // First
}

// WeightKind says what a present row adds.
type WeightKind uint8

// The kinds of weights.
const (
	WeightPresent WeightKind = iota // 1
	WeightEquals                    // 1 if the code is Code
	WeightValue                     // the code plus Offset
)

// Weight is what one present row of a Members collection adds: to a counter,
// or, if the collection has a parent, to the parent row's sum.
type Weight struct {
	Kind   WeightKind
	Target int // counter, or index of the parent's sum
	Code   int64
	Offset int64
}

// TermKind says how an entity row adds to a counter. A dead entity adds nothing.
type TermKind uint8

// The kinds of terms.
const (
	TermPresent TermKind = iota // 1 if created
	TermSum                     // the sum Sum
	TermMean                    // 1 if the mean Sum/Count, rounded half up, is at least AtLeast
)

// Term is what one entity row adds to a counter.
type Term struct {
	Kind    TermKind
	Counter int
	Sum     int
	Count   int
	// AtLeast is the mean's threshold × 10^Decimals; the mean is rounded half
	// up to Decimals before it is compared.
	AtLeast  int64
	Decimals int
}

// CounterKind says what a counter's number is.
type CounterKind uint8

// The kinds of counters.
const (
	// Number is a plain count or sum.
	Number CounterKind = iota
	// Since is an age: the column holds the instant it began, in Unix
	// microseconds, 0 before; its value is the whole days since then.
	Since
)

// Counter is a per-user number.
type Counter struct {
	Name string
	Kind CounterKind
	// Steps are the thresholds of single-counter conditions, ascending.
	Steps []Step
	// Ratios are the badges (indexes) with a ratio condition on this counter.
	Ratios []int
}

// Step is one threshold with the badges (indexes, ascending) that have it.
type Step struct {
	At     int64
	Badges []int
}

// ConditionKind says what a condition compares.
type ConditionKind uint8

// The kinds of conditions.
const (
	AtLeast ConditionKind = iota // counter ≥ threshold; an age in whole days
	Ratio                        // Counter/Whole ≥ Threshold hundredths of a percent, and Whole > 0
)

// Condition is one part of a criterion.
type Condition struct {
	Kind      ConditionKind
	Counter   int
	Whole     int   // Ratio: the counter below the line
	Threshold int64 // Ratio: percent × 100
	// Label names the value in progress: the counter's or the ratio's name.
	Label string
}

// Badge is one badge with its criterion: it is held when all conditions are
// true.
type Badge struct {
	// ID is the rank of the slug among all slugs: stored in rows, equal for
	// equal rules whatever the display order.
	ID          int16
	Slug        string
	Name        string
	Description string
	Category    string
	Criterion   string
	Tier        int
	Rare        bool
	Sticky      bool // never revoked
	All         []Condition
	Group       int
}

// Group is the badges of one (category, criterion), in display order.
type Group struct {
	Category, Criterion string
	Badges              []int
	// Ladder is the counter if every badge has one AtLeast condition on it,
	// thresholds ascend, no badge is sticky and the counter is no age, so that
	// progress is a binary search; else None.
	Ladder int
}
