// Package checks is the common part of what audits report: named checks, how
// much each looked at, and the first things that are amiss.
package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
)

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

// List is what some checks found.
type List struct {
	Checks []Check `json:"checks"`
	// Notes say what could not be looked at, and why, and what else is to be
	// known.
	Notes []string `json:"notes"`
	// Shown is how many findings of a check are kept.
	Shown int `json:"-"`
}

// New makes a list of checks that have looked at nothing yet.
func New(shown int, names []string) List {
	l := List{Notes: []string{}, Shown: shown}
	for _, name := range names {
		l.Checks = append(l.Checks, Check{Name: name, Findings: []string{}})
	}
	return l
}

func (l *List) check(name string) *Check {
	i := slices.IndexFunc(l.Checks, func(c Check) bool { return c.Name == name })
	return &l.Checks[i]
}

// Looked counts what a check compared.
func (l *List) Looked(name string, n int64) { l.check(name).Looked += n }

// Find notes one thing that is amiss.
func (l *List) Find(name, format string, args ...any) {
	c := l.check(name)
	c.Failed++
	if len(c.Findings) < l.Shown {
		c.Findings = append(c.Findings, fmt.Sprintf(format, args...))
	}
}

// Note adds a note, once.
func (l *List) Note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(l.Notes, text) {
		l.Notes = append(l.Notes, text)
	}
}

// Failed are the names of the checks that do not hold.
func (l *List) Failed() []string {
	var names []string
	for i := range l.Checks {
		if l.Checks[i].Failed > 0 {
			names = append(names, l.Checks[i].Name)
		}
	}
	return names
}

// Err is nil if all checks hold, else it names those that do not.
func (l *List) Err() error {
	if failed := l.Failed(); len(failed) > 0 {
		return errors.Newf("%d checks do not hold: %s", len(failed), strings.Join(failed, ", "))
	}
	return nil
}

// AppendChecks adds the checks as people read them.
func (l *List) AppendChecks(b *strings.Builder) {
	width := 0
	for i := range l.Checks {
		width = max(width, len(l.Checks[i].Name))
	}
	for i := range l.Checks {
		c := &l.Checks[i]
		state := "holds"
		if c.Failed > 0 {
			state = "FAILS"
		}
		fmt.Fprintf(b, "%-6s %-*s  %d looked at", state, width, c.Name, c.Looked)
		if c.Failed > 0 {
			fmt.Fprintf(b, ", %d amiss", c.Failed)
		}
		b.WriteByte('\n')
		for _, f := range c.Findings {
			fmt.Fprintf(b, "         %s\n", f)
		}
		if rest := c.Failed - int64(len(c.Findings)); rest > 0 {
			fmt.Fprintf(b, "         … and %d more\n", rest)
		}
	}
}

// AppendNotes adds the notes as people read them.
func (l *List) AppendNotes(b *strings.Builder) {
	for _, n := range l.Notes {
		fmt.Fprintf(b, "note: %s\n", n)
	}
}
