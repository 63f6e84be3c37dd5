package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestStarviewRows pins what is stored: a collection's index and a sum's place
// in its row. Another order would read old rows as something else.
func TestStarviewRows(t *testing.T) {
	c, err := Load("starview")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, col := range c.Collections {
		line := col.Name
		if col.Parent != None {
			line += " of " + c.Collections[col.Parent].Name
		}
		for _, w := range col.Weights {
			line += fmt.Sprintf(" %d:%d/%d/%d", w.Target, w.Kind, w.Code, w.Offset)
			if col.Parent == None {
				line += " " + c.Counters[w.Target].Name
			}
		}
		for _, term := range col.Terms {
			line += fmt.Sprintf(" %s=%d/%d/%d/%d", c.Counters[term.Counter].Name, term.Kind, term.Sum, term.Count, term.AtLeast)
		}
		got = append(got, line)
	}
	present, equals, value := WeightPresent, WeightEquals, WeightValue
	visits, followers, comments := c.CounterIndex("location_visits"), c.CounterIndex("followers"), c.CounterIndex("comments_written")
	photos, profile := c.CounterIndex("photos_uploaded"), c.CounterIndex("profile_fields")
	want := []string{
		fmt.Sprintf("comments_written %d:%d/0/0 comments_written", comments, present),
		fmt.Sprintf("followers %d:%d/0/0 followers", followers, present),
		fmt.Sprintf("location locations_added=%d/0/0/0 quality_locations=%d/1/0/400", TermPresent, TermMean),
		fmt.Sprintf("location.ratings of location 0:%d/0/0 1:%d/0/0", present, value), // ratings begin at 1, as codes do
		fmt.Sprintf("location_visits %d:%d/0/0 location_visits", visits, present),
		fmt.Sprintf("photos_uploaded %d:%d/0/0 photos_uploaded", photos, present),
		"pioneer",
		fmt.Sprintf("profile_fields %d:%d/0/-1 profile_fields", profile, value), // 0 fields are code 1
		fmt.Sprintf("review reviews_written=%d/0/0/0 upvotes_received=%d/1/0/0 votes_received=%d/0/0/0", TermPresent, TermSum, TermSum),
		fmt.Sprintf("review.votes of review 0:%d/0/0 1:%d/1/0", present, equals), // up is code 1
		"tenure_days",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestCodes: the codes of a collection begin at 1 with its smallest value,
// whichever rule has it, and the offset gives the values back.
func TestCodes(t *testing.T) {
	c, err := Parse("codes.yaml", []byte(`name: codes
events:
  a: {what: id, mark: {int: [0, 5]}}
  b: {what: id, mark: {int: [-3, 2]}}
  c: {what: id}
  d: {what: id, tags: {set: [x, y, z]}}
  e: {what: id, by: id, mark: {int: [0, 10]}}
things:
  post:
    members:
      marks: {rules: [{on: e, credit: by, thing: what, member: subject, set: mark}]}
counters:
  marks: {map: [{on: a, member: what, set: mark}, {on: b, member: what, set: mark}, {on: c, member: what, set: 9}], adds: values}
  nines: {map: marks, value: 9}
  tags: {gauge: [{on: d, set: tags}]}
  post_marks: {things: post, sum: marks}
badges:
  - {category: A, criterion: A, counter: marks, badges: [{slug: a, name: A, at_least: 1}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	// From -3: the value -3 is code 1, so a value v is code v + 4.
	for event, want := range map[string]struct {
		value int64
		field bool
	}{"a": {4, true}, "b": {4, true}, "c": {13, false}, "d": {1, true}, "e": {1, true}} {
		rule := c.Events[c.Types[event]].Rules[0]
		if rule.Value != want.value || (rule.ValueFrom >= 0) != want.field {
			t.Errorf("event %s: value %d from field %d, want %+v", event, rule.Value, rule.ValueFrom, want)
		}
	}
	weights := map[string][]Weight{}
	for _, col := range c.Collections {
		weights[col.Name] = col.Weights
		if byTime := col.Name == "tags"; col.ByTime != byTime { // a gauge, of which nothing is said
			t.Errorf("%s goes by time: %v, want %v", col.Name, col.ByTime, byTime)
		}
	}
	for name, want := range map[string][]Weight{
		"marks":      {{Kind: WeightValue, Target: c.CounterIndex("marks"), Offset: -4}, {Kind: WeightEquals, Target: c.CounterIndex("nines"), Code: 13}},
		"tags":       {{Kind: WeightValue, Target: c.CounterIndex("tags"), Offset: -1}},
		"post.marks": {{Kind: WeightValue, Target: 0, Offset: -1}},
	} {
		if !slices.Equal(weights[name], want) {
			t.Errorf("weights of %s are %+v, want %+v", name, weights[name], want)
		}
	}
}

// TestRowsDoNotDependOnOrder turns the file's things and counters round.
func TestRowsDoNotDependOnOrder(t *testing.T) {
	file := func(set string, counters ...string) string {
		return `name: order
events:
  a: {what: id, by: id, mark: {enum: [x, y]}, tags: {set: [` + set + `]}}
things:
  post:
    members:
      marks: {rules: [{on: a, credit: by, thing: what, member: subject, set: mark}]}
      seen: {rules: [{on: a, credit: by, thing: what, member: subject, set: true}]}
counters:
` + strings.Join(counters, "") + `badges:
  - {category: A, criterion: A, counter: one, badges: [{slug: a, name: A, at_least: 1}]}
`
	}
	one, two, three := "  one: {things: post, count: marks, value: y}\n", "  two: {things: post, count: seen}\n", "  three: {things: post, count: marks, value: x}\n"
	a, err := Parse("a.yaml", []byte(file("q, r", one, two, three)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse("b.yaml", []byte(file("r, q", three, two, one)))
	if err != nil {
		t.Fatal(err)
	}
	if a.RulesHash != b.RulesHash {
		t.Errorf("the rules differ: %q", a.Diff(b))
	}
	for i := range a.Collections {
		if !slices.Equal(a.Collections[i].Weights, b.Collections[i].Weights) {
			t.Errorf("%s: %+v and %+v", a.Collections[i].Name, a.Collections[i].Weights, b.Collections[i].Weights)
		}
	}
}
