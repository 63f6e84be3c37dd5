package oracle

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
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
	// LagZero: once settled, all that is in the log is folded and published.
	LagZero = "lag-zero"
	// SnapshotsConverged: each user's snapshot in Redis is his row, or a later
	// one, and there is none besides.
	SnapshotsConverged = "snapshots-converged"
)

// checkNames are all checks in the order in which they are shown.
func checkNames() []string {
	return []string{LedgerTiles, LedgerTopic, HistoryRefolded, TicksWhole, UsersRecounted, MembersRecounted, ThingsRecounted, PlacesRecounted,
		RejectsRecounted, DeadLettersOnce, AwardsOnce, AwardsOrdered, NothingTorn, Watermark, LagZero, SnapshotsConverged}
}

// Report is what an audit found.
type Report struct {
	Group   string  `json:"group"`
	Passes  int     `json:"passes"`
	Records int64   `json:"records"` // of the log, counted once for each pass
	Users   int64   `json:"users"`   // with a row
	Changes int64   `json:"changes"` // awards and revocations
	Checks  []Check `json:"checks"`
	// Notes say what could not be looked at, and why.
	Notes []string `json:"notes"`

	shown int
}

// Check is what one check found.
type Check struct {
	Name string `json:"name"`
	// Looked is how many things were compared, Failed how many were amiss. A
	// check that had nothing to look at holds.
	Looked int64 `json:"looked"`
	Failed int64 `json:"failed"`
	// Findings are the first of those that are amiss.
	Findings []string `json:"findings"`
}

func newReport(group string, passes, shown int, checks []string) *Report {
	r := &Report{Group: group, Passes: passes, shown: shown, Notes: []string{}}
	for _, name := range checks {
		r.Checks = append(r.Checks, Check{Name: name, Findings: []string{}})
	}
	return r
}

func (r *Report) check(name string) *Check {
	i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Name == name })
	return &r.Checks[i]
}

// looked counts what a check compared.
func (r *Report) looked(name string, n int) { r.check(name).Looked += int64(n) }

// find notes one thing that is amiss.
func (r *Report) find(name, format string, args ...any) {
	c := r.check(name)
	c.Failed++
	if len(c.Findings) < r.shown {
		c.Findings = append(c.Findings, fmt.Sprintf(format, args...))
	}
}

func (r *Report) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// Failed are the names of the checks that do not hold.
func (r *Report) Failed() []string {
	var names []string
	for i := range r.Checks {
		if r.Checks[i].Failed > 0 {
			names = append(names, r.Checks[i].Name)
		}
	}
	return names
}

// Err is nil if all checks hold, else it names those that do not.
func (r *Report) Err() error {
	if failed := r.Failed(); len(failed) > 0 {
		return errors.Newf("%d checks do not hold: %s", len(failed), strings.Join(failed, ", "))
	}
	return nil
}

// Write prints the report for people.
func (r *Report) Write(out io.Writer) error {
	var b strings.Builder
	for i := range r.Checks {
		c := &r.Checks[i]
		state := "holds"
		if c.Failed > 0 {
			state = "FAILS"
		}
		fmt.Fprintf(&b, "%-6s %-20s %d looked at", state, c.Name, c.Looked)
		if c.Failed > 0 {
			fmt.Fprintf(&b, ", %d amiss", c.Failed)
		}
		b.WriteByte('\n')
		for _, f := range c.Findings {
			fmt.Fprintf(&b, "         %s\n", f)
		}
		if rest := c.Failed - int64(len(c.Findings)); rest > 0 {
			fmt.Fprintf(&b, "         … and %d more\n", rest)
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	fmt.Fprintf(&b, "group %s: %d records of the log, %d users, %d awards and revocations, %d passes\n", r.Group, r.Records, r.Users, r.Changes, r.Passes)
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "write the report")
}

// String is what Write prints.
func (r *Report) String() string {
	var b strings.Builder
	_ = r.Write(&b) // a Builder takes everything
	return b.String()
}
