package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxErrors is how many errors of one file are told.
const maxErrors = 100

// Error is one thing that is wrong in a catalogue file.
type Error struct {
	File      string
	Line, Col int // from 1
	// Message says what is wrong and what to write instead.
	Message string
}

func (e Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Message)
}

// Errors is everything that is wrong in a catalogue file, in the file's order.
type Errors []Error

// Error prints one error per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// report gathers errors. The zero value is ready.
type report struct {
	file string
	errs Errors
	// taken holds the places of errors before which later ones give way.
	taken map[pos]bool
}

// at adds an error at a place in the file.
func (r *report) at(p pos, format string, args ...any) {
	if !r.taken[p] {
		r.errs = append(r.errs, Error{File: r.file, Line: p.line, Col: p.col, Message: fmt.Sprintf(format, args...)})
	}
}

// settle makes the errors so far the only ones at their places: what is found
// there from now on would only follow from them.
func (r *report) settle() {
	r.taken = make(map[pos]bool, len(r.errs))
	for _, e := range r.errs {
		r.taken[pos{e.Line, e.Col}] = true
	}
}

// result sorts the errors, each of them once. It is nil if there are none.
func (r *report) result() error {
	if len(r.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(r.errs, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Message, b.Message))
	})
	errs := slices.Compact(r.errs)
	if more := len(errs) - maxErrors; more > 0 {
		errs = errs[:maxErrors+1]
		errs[maxErrors].Message = fmt.Sprintf("here and further down are %d more errors", more)
	}
	return errs
}

// didYouMean ends a message about an unknown word: with the candidate that is
// closest to it, or else with all of them.
func didYouMean(word string, candidates []string) string {
	best, distance := "", 1+len(word)/3
	for _, c := range candidates {
		if d := editDistance(strings.ToLower(word), strings.ToLower(c), distance); d <= distance && (best == "" || d < distance) {
			best, distance = c, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	switch {
	case len(candidates) == 0:
		return "there is none yet"
	case len(candidates) > 12:
		return "there are " + listed(candidates[:12], "and") + " and others"
	case len(candidates) == 1:
		return "there is only " + candidates[0]
	}
	return "there are " + listed(candidates, "and")
}

// listed joins words for people.
func listed(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// editDistance counts the bytes to insert, delete, change or swap to turn a
// into b, or returns limit+1 if they are more than limit.
func editDistance(a, b string, limit int) int {
	if abs(len(a)-len(b)) > limit {
		return limit + 1
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := above[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(above[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return min(above[len(b)], limit+1)
}

func abs(n int) int { return max(n, -n) }
