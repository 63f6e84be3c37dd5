package oracle

import (
	"fmt"
	"io"
	"strings"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/checks"
)

// The checks, by name.
const (
	// LedgerTiles: the fold ranges of each partition follow one another without
	// gap or overlap, in the order of their numbers, and end at its fold offset.
	LedgerTiles = "ledger-tiles"
	// LedgerTopic: GROUP.ledger holds each row of the ledger below the
	// watermark once, each partition's in order, and nothing that Postgres has
	// not: no stale owner ever committed.
	LedgerTopic = "ledger-topic"
	// HistoryRefolded: folding the ledger's ranges in order, one event at a
	// time, gives the very history: cause, ordinal, time, user version, evidence.
	HistoryRefolded = "history-refolded"
	// TicksWhole: the steps of a tick see to everybody who is due, and to nobody
	// else.
	TicksWhole = "ticks-whole"
	// UsersRecounted: users' rows are an independent recount of the log up to
	// the fold offsets: counters, version, badges held with their times.
	UsersRecounted = "users-recounted"
	// MembersRecounted and ThingsRecounted: so are the rows of members and of
	// things, under the hashes of their ids.
	MembersRecounted = "members-recounted"
	ThingsRecounted  = "things-recounted"
	// PlacesRecounted: so are the places drawn, and the clock of the ticks.
	PlacesRecounted = "places-recounted"
	// RejectsRecounted: each record that is no valid event is a row, with its
	// reason and its bytes, and no other is.
	RejectsRecounted = "rejects-recounted"
	// DecisionsRecounted: each decision of a person's is a row, with who and why,
	// and no other is.
	DecisionsRecounted = "decisions-recounted"
	// DeadLettersOnce: each reject below the watermark is one dead letter, with
	// the record's bytes and headers, and each dead letter is backed by a row.
	DeadLettersOnce = "dead-letters-once"
	// AwardsOnce: each row of the history below the watermark is on the award
	// topic once, as it is, and each badge event there is backed by a row.
	AwardsOnce = "awards-once"
	// AwardsOrdered: a user's badge events are in one partition of the award
	// topic, and those of one source partition in order.
	AwardsOrdered = "awards-ordered"
	// NothingTorn: also what a reader of uncommitted records sees, on all three
	// topics, is backed by a row: Postgres commits first.
	NothingTorn = "nothing-torn"
	// Watermark: each partition has a committed offset; it is where some fold
	// range ends, and not above the fold offset.
	Watermark = "watermark"
	// ErasedAbsent: of who was erased nothing is left, in no table, in no snapshot
	// and in no badge event without a tombstone behind it in its partition; and each
	// was by a record of the log, of which the regime has counted as many.
	ErasedAbsent = "erased-absent"
	// LagZero: once settled, all that is in the log is folded and published.
	LagZero = "lag-zero"
	// SnapshotsConverged: each user's snapshot in Redis is his row, or a later
	// one, and there is none besides.
	SnapshotsConverged = "snapshots-converged"
)

// checkNames are all checks in the order in which they are shown.
func checkNames() []string {
	return []string{LedgerTiles, LedgerTopic, HistoryRefolded, TicksWhole, UsersRecounted, MembersRecounted, ThingsRecounted, PlacesRecounted,
		RejectsRecounted, DecisionsRecounted, DeadLettersOnce, AwardsOnce, AwardsOrdered, NothingTorn, ErasedAbsent, Watermark, LagZero, SnapshotsConverged}
}

// Report is what an audit found.
type Report struct {
	Group   string `json:"group"`
	Passes  int    `json:"passes"`
	Records int64  `json:"records"` // of the log, counted once for each pass
	Users   int64  `json:"users"`   // with a row
	Changes int64  `json:"changes"` // awards and revocations
	checks.List
}

func newReport(group string, passes, shown int, names []string) *Report {
	return &Report{Group: group, Passes: passes, List: checks.New(shown, names)}
}

// Write prints the report for people.
func (r *Report) Write(out io.Writer) error {
	_, err := io.WriteString(out, r.String())
	return errors.Wrap(err, "write the report")
}

// String is what Write prints.
func (r *Report) String() string {
	var b strings.Builder
	r.AppendChecks(&b)
	r.AppendNotes(&b)
	fmt.Fprintf(&b, "group %s: %d records of the log, %d users, %d awards and revocations, %d passes\n", r.Group, r.Records, r.Users, r.Changes, r.Passes)
	return b.String()
}
