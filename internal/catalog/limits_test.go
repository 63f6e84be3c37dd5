package catalog

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/badgestream/badgestream/schemas"
)

// TestHostileFiles wants an error, and soon, for files that would keep a YAML
// parser busy.
func TestHostileFiles(t *testing.T) {
	const n = 50_000
	for name, text := range map[string]string{
		"brackets":           strings.Repeat("[", n),
		"closed brackets":    strings.Repeat("[", n) + strings.Repeat("]", n),
		"braces":             strings.Repeat("{a: ", n),
		"dashes":             strings.Repeat("- ", n) + "a",
		"colons":             strings.Repeat("a: ", n),
		"question marks":     strings.Repeat("? ", n),
		"anchors":            strings.Repeat("&a ", n),
		"tags":               strings.Repeat("!a ", n),
		"equal keys":         strings.Repeat("a: b\n", n),
		"keys in braces":     "{" + strings.Repeat("a: b, ", n) + "}",
		"keys after a dash":  "- a: b\n" + strings.Repeat("  a: b\n", n),
		"steps":              steps(2000),
		"billion laughs":     laughs(),
		"merge keys":         "a: &a {b: c}\n" + strings.Repeat("<<: *a\n", n),
		"documents":          strings.Repeat("---\na: b\n", 5000),
		"a long text":        "name: " + strings.Repeat("x", n),
		"an unclosed quote":  "name: \"" + strings.Repeat("x\n", n),
		"a block of text":    "name: |\n" + strings.Repeat("  x\n", n),
		"comments":           strings.Repeat("# x\n", n),
		"items":              "badges:\n" + strings.Repeat("- a\n", n/4),
		"items in brackets":  "badges: [" + strings.Repeat("a, ", 9000) + "]",
		"different keys":     keys(9000),
		"very many keys":     keys(20_000),
		"distinct in braces": "{" + strings.ReplaceAll(keys(9000), "\n", ", ") + "}",
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := Parse("hostile.yaml", []byte(text))
			var errs Errors
			if !errors.As(err, &errs) || len(errs) == 0 {
				t.Errorf("got %v, want Errors", err)
			}
			// Without the bounds, several of these take from minutes to days.
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func steps(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%sa:\n", strings.Repeat(" ", i))
	}
	return b.String()
}

func laughs() string {
	text := "a0: &a0 [x, x]\n"
	for i := 1; i < 60; i++ {
		text += fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	return text
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: v\n", i)
	}
	return b.String()
}

// ladders makes a catalogue of many badges.
func ladders(badges int) string {
	var b strings.Builder
	b.WriteString(strings.SplitAfter(base, "badges:\n")[0])
	for i := range badges {
		if i%10 == 0 {
			fmt.Fprintf(&b, "  - category: C%d\n    criterion: VISITS\n    counter: visits\n    badges:\n", i/10)
		}
		fmt.Fprintf(&b, "      - {slug: badge-%d, name: Badge %d, tier: %d, at_least: %d}\n", i, i, i%10+1, i+1)
	}
	return b.String()
}

func TestManyBadges(t *testing.T) {
	c, err := Parse("many.yaml", []byte(ladders(10_000)))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Badges) != 10_000 || len(c.Groups) != 1000 {
		t.Errorf("%d badges in %d groups", len(c.Badges), len(c.Groups))
	}
	visits := c.Counters[c.CounterIndex("visits")]
	if len(visits.Steps) != 10_000 || visits.Steps[41].At != 42 || c.Badges[visits.Steps[41].Badges[0]].Slug != "badge-41" {
		t.Errorf("%d steps, the 42nd is %v", len(visits.Steps), visits.Steps[41])
	}
	if _, err := Parse("more.yaml", []byte(ladders(32_010))); err == nil || !strings.Contains(err.Error(), "these are 32010 badges: 32000 is the most") {
		t.Errorf("too many badges: %v", err)
	}
}

func BenchmarkParse(b *testing.B) {
	text := []byte(ladders(10_000))
	for b.Loop() {
		if _, err := Parse("many.yaml", text); err != nil {
			b.Fatal(err)
		}
	}
}

// Any text: what is wrong is told in its place, shortly and not too often; what
// is right compiles to the same thing each time, to tables that hold together,
// and is equal to itself.
func FuzzParse(f *testing.F) {
	f.Add([]byte(base))
	f.Add([]byte("badges: [[{all: [{ratio: 1}]}]]"))
	f.Add([]byte("counters: {a: {map: a}, b: {things: []}}\nthings: [x]"))
	shape, err := loadFileSchema() // once: it takes longer than all the rest
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := shape.parse("fuzz.yaml", text)
		if (c == nil) == (err == nil) {
			t.Fatalf("got %v and %v", c, err)
		}
		if err != nil {
			told(t, text, err)
			return
		}
		again, err := shape.parse("fuzz.yaml", text)
		if err != nil || again.RulesHash != c.RulesHash {
			t.Fatalf("the second time: %v", err)
		}
		if d := append(c.Diff(again), c.DisplayDiff(again)...); len(d) > 0 {
			t.Errorf("it differs from itself: %q", d)
		}
		holdsTogether(t, c)
		view := c.View(1)
		shown, err := json.Marshal(&view)
		if err != nil {
			t.Fatalf("the view: %v", err)
		}
		if _, err := schemas.ParseCatalogView(shown); err != nil {
			t.Errorf("the view is written and not read: %v", err)
		}
	})
}

// told wants errors that people can read, each in its place in the text.
func told(t *testing.T, text []byte, err error) {
	t.Helper()
	var errs Errors
	if !errors.As(err, &errs) || len(errs) == 0 || len(errs) > maxErrors+1 {
		t.Fatalf("%d errors, %T: %v", len(errs), err, err)
	}
	lines := 1 + bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte("\r"))
	for _, e := range errs {
		if e.Line < 1 || e.Line > lines || e.Col < 1 || e.Col > len(text)+1 || e.File != "fuzz.yaml" {
			t.Errorf("of %d lines, %v", lines, e)
		}
		if e.Message == "" || len(e.Message) > 4000 || !utf8.ValidString(e.Message) || strings.ContainsAny(e.Message, "\x00\n") {
			t.Errorf("the message has %d bytes: %q", len(e.Message), e.Message)
		}
	}
}

// holdsTogether wants every index of the tables to point into them, and codes
// and thresholds to be what the fold relies on.
func holdsTogether(t *testing.T, c *Catalog) {
	t.Helper()
	for name, i := range c.Types {
		if c.Events[i].Shape.Type != name {
			t.Errorf("type %q is event %d, %q", name, i, c.Events[i].Shape.Type)
		}
	}
	for i := range c.Events {
		for _, r := range c.Events[i].Rules {
			if (r.Op == OpCount) != (r.Collection == None) || r.Op == OpCount && (r.Counter < 0 || r.Counter >= len(c.Counters)) || r.Collection >= len(c.Collections) {
				t.Errorf("rule %+v points nowhere", r)
			}
			for _, ref := range []Ref{r.Credit, r.Entity, r.Member, r.ValueFrom} {
				if ref < RefSubject || int(ref) >= len(c.Events[i].Shape.Fields) {
					t.Errorf("rule %+v names no field", r)
				}
			}
			if (r.Op == OpSet || r.Op == OpInsert || r.Op == OpUpdate) && r.ValueFrom == RefNone && (r.Value < 1 || r.Value > math.MaxInt32) {
				t.Errorf("rule %+v has a code that is none", r)
			}
		}
	}
	for i := range c.Counters {
		if c.CounterIndex(c.Counters[i].Name) != i || !slices.IsSortedFunc(c.Counters[i].Steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) }) {
			t.Errorf("counter %d: %+v", i, c.Counters[i])
		}
	}
	for i := range c.Badges {
		b := &c.Badges[i]
		if c.ByID[b.ID] != i || c.BadgeIndex(b.Slug) != i || len(b.All) == 0 || !slices.Contains(c.Groups[b.Group].Badges, i) {
			t.Errorf("badge %d: %+v", i, b)
		}
	}
}
