// Package drift looks for what does not go together in Postgres and Redis,
// without the log: users' rows with their members, things and history, and with
// their snapshots; and for what stands still or grows that should not. What can
// be told without the log it also mends.
package drift

import (
	"fmt"
	"io"
	"strings"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/checks"
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
	// DecisionsFollowed: what people granted, revoked and pinned stands in the row.
	DecisionsFollowed = "decisions-followed"
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
	return []string{CountersFollow, ThingsFollow, BadgesFollow, DecisionsFollowed, HistoryFollowed, DueDates, Owned, PlacesDrawn, LedgerTiles, SnapshotsFollow, Progress, TypesAlive, DeadLetters}
}

// Report is what an audit found.
type Report struct {
	Group   string  `json:"group"`
	Users   int64   `json:"users"`
	Seconds float64 `json:"seconds"`
	checks.List
	// Fixes are what was mended, or would be.
	Fixes []Fix `json:"fixes"`
	Fixed bool  `json:"fixed"` // they were, and not only would be
}

// Fix is what is done about one user.
type Fix struct {
	User string `json:"user"`
	What string `json:"what"`
}

func newReport(group string, shown int) *Report {
	return &Report{Group: group, List: checks.New(shown, checkNames()), Fixes: []Fix{}}
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
	verb := "would be mended"
	if r.Fixed {
		verb = "mended"
	}
	for i, f := range r.Fixes {
		if i == r.Shown {
			fmt.Fprintf(&b, "fix: … and %d more\n", len(r.Fixes)-i)
			break
		}
		fmt.Fprintf(&b, "fix: of %q, %s %s\n", f.User, f.What, verb)
	}
	r.AppendNotes(&b)
	fmt.Fprintf(&b, "group %s: %d users in %.1f s\n", r.Group, r.Users, r.Seconds)
	return b.String()
}
