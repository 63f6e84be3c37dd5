package catalog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
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

func FuzzParse(f *testing.F) {
	f.Add([]byte(base))
	f.Add([]byte("badges: [[{all: [{ratio: 1}]}]]"))
	f.Add([]byte("counters: {a: {map: a}, b: {things: []}}\nthings: [x]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("fuzz.yaml", text)
		if (c == nil) == (err == nil) {
			t.Fatalf("got %v and %v", c, err)
		}
		var errs Errors
		if err != nil && !errors.As(err, &errs) {
			t.Fatalf("%v is no Errors", err)
		}
		if err == nil {
			c.View(1)
		}
	})
}
