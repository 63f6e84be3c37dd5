// Package drift looks for what does not go together in Postgres and Redis,
// without the log: users' rows with their members, things and history, and with
// their snapshots; and for what stands still or grows that should not. What can
// be told without the log it also mends.
package drift

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
)

// The checks, by name.
const (
	// CountersFollow: each counter that members and things tell is what they add
	// up to.
	CountersFollow = "counters-follow"
	// ThingsFollow: the sums of a user's things are what their members add up to.
	ThingsFollow = "things-follow"
	// BadgesFollow: who fulfils a badge's conditions holds it, and nobody else.
	BadgesFollow = "badges-follow"
	// HistoryFollowed: the badges held, and since when, are those that the history
	// awarded last and did not revoke; no version is behind the history.
	HistoryFollowed = "history-followed"
	// DueDates: each user is due when the next age reaches a threshold.
	DueDates = "due-dates"
	// Owned: members and awards belong to users who are there.
	Owned = "rows-owned"
	// PlacesDrawn: as many places are taken as there are users who have one.
	PlacesDrawn = "places-drawn"
	// LedgerTiles: the fold ranges of each partition follow one another up to its
	// fold offset.
	LedgerTiles = "ledger-tiles"
	// SnapshotsFollow: each user's snapshot in Redis is his row, or a later one,
	// and there is none besides.
	SnapshotsFollow = "snapshots-follow"
	// Progress: where something waits, somebody folds and publishes.
	Progress = "progress"
	// TypesAlive: no event type has fallen silent.
	TypesAlive = "types-alive"
	// DeadLetters: rejected records do not become many more than before.
	DeadLetters = "dead-letters"
)

func checkNames() []string {
	return []string{CountersFollow, ThingsFollow, BadgesFollow, HistoryFollowed, DueDates, Owned, PlacesDrawn, LedgerTiles, SnapshotsFollow, Progress, TypesAlive, DeadLetters}
}

// Report is what an audit found.
type Report struct {
	Group   string  `json:"group"`
	Users   int64   `json:"users"`
	Seconds float64 `json:"seconds"`
	Checks  []Check `json:"checks"`
	// Fixes are what was mended, or would be.
	Fixes []Fix    `json:"fixes"`
	Fixed bool     `json:"fixed"` // they were, and not only would be
	Notes []string `json:"notes"`

	shown int
}

// Check is what one check found.
type Check struct {
	Name     string   `json:"name"`
	Looked   int64    `json:"looked"`
	Failed   int64    `json:"failed"`
	Findings []string `json:"findings"`
}

// Fix is what is done about one user.
type Fix struct {
	User string `json:"user"`
	What string `json:"what"`
}

func newReport(group string, shown int) *Report {
	r := &Report{Group: group, shown: shown, Notes: []string{}, Fixes: []Fix{}}
	for _, name := range checkNames() {
		r.Checks = append(r.Checks, Check{Name: name, Findings: []string{}})
	}
	return r
}

func (r *Report) check(name string) *Check {
	i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Name == name })
	return &r.Checks[i]
}

func (r *Report) looked(name string, n int64) { r.check(name).Looked += n }

func (r *Report) find(name, format string, args ...any) {
	c := r.check(name)
	c.Failed++
	if len(c.Findings) < r.shown {
		c.Findings = append(c.Findings, fmt.Sprintf(format, args...))
	}
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
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
		fmt.Fprintf(&b, "%-6s %-17s %d looked at", state, c.Name, c.Looked)
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
	verb := "would be mended"
	if r.Fixed {
		verb = "mended"
	}
	for i, f := range r.Fixes {
		if i == r.shown {
			fmt.Fprintf(&b, "fix: … and %d more\n", len(r.Fixes)-i)
			break
		}
		fmt.Fprintf(&b, "fix: of %q, %s %s\n", f.User, f.What, verb)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	fmt.Fprintf(&b, "group %s: %d users in %.1f s\n", r.Group, r.Users, r.Seconds)
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "write the report")
}

// String is what Write prints.
func (r *Report) String() string {
	var b strings.Builder
	_ = r.Write(&b) // a Builder takes everything
	return b.String()
}
