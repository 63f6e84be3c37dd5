package catalog

import (
	"slices"
	"strings"
	"testing"
)

// TestDiff changes base in one place. Rules are the lines wanted of Diff,
// display those of DisplayDiff. The hash must change exactly if a rule did.
func TestDiff(t *testing.T) {
	before, err := Parse("base.yaml", []byte(base))
	if err != nil {
		t.Fatal(err)
	}
	swap := func(text string, pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if strings.Count(text, pairs[i]) == 0 {
				t.Fatalf("base does not hold %q", pairs[i])
			}
			text = strings.Replace(text, pairs[i], pairs[i+1], 1)
		}
		return text
	}
	const joined, closed = "  club.joined: {}\n", "  club.closed: {place: id, host: id}\n"
	const happy, moods = "  happy: {map: moods, value: up}\n", "  moods: {map: [{on: club.visited, member: place, set: mood}]}\n"
	for _, c := range []struct {
		name           string
		text           string
		rules, display []string
	}{
		{name: "nothing", text: base},
		{name: "a comment", text: "# ours\n" + base},
		{name: "the name", text: swap(base, "name: club", "name: klub"), display: []string{"catalogue: name club → klub"}},
		{name: "order of events", text: swap(base, closed, "", joined, joined+closed)},
		{name: "order of fields", text: swap(base, "{place: id, host: id}", "{host: id, place: id}")},
		{name: "order of counters", text: swap(base, happy, "", moods, happy+moods), display: []string{
			"order of counters: visits, moods, happy, stars, good_places, early, days → visits, happy, moods, stars, good_places, early, days",
		}},
		{name: "written out", text: swap(base, "{on: club.visited, add: place, unless", "{on: club.visited, credit: subject, add: place, unless",
			"at_least: 4}", "at_least: 4.00, decimals: 2}", "things:", "dedupe: {window: 100000}\nthings:")},
		{name: "the other way round", text: swap(base, "unless: subject is host", "unless: host is subject")},
		{name: "a list of one", text: swap(base, "unless: subject is host", "unless: [subject is host]")},
		{name: "badge name", text: swap(base, "name: Guest", "name: Visitor"), display: []string{`badge guest: name "Guest" → "Visitor"`}},
		{name: "description", text: swap(base, "name: Guest", "name: Guest, description: Came once."), display: []string{`badge guest: description "" → "Came once."`}},
		{name: "tier and rarity", text: swap(base, "tier: 2", "tier: 3, rare: true"), display: []string{"badge regular: tier 2 → 3", "badge regular: rare false → true"}},
		{name: "category", text: swap(base, "category: MOOD", "category: FEELING"), display: []string{"badge sunny: category MOOD → FEELING"}},
		{name: "name of a ratio", text: swap(base, "happiness: {of", "mood: {of", "ratio: happiness", "ratio: mood"), display: []string{"badge sunny: ratio happiness → mood"}},
		{name: "order of badges", text: swap(base, "tier: 1", "tier: 2", "tier: 2, at_least: 10", "tier: 1, at_least: 1", "at_least: 1}", "at_least: 10}"), rules: []string{
			"badge guest: at_least 1 → 10", "badge regular: at_least 10 → 1",
		}, display: []string{"badge guest: tier 1 → 2", "badge regular: tier 2 → 1", "order of badges: guest, regular, sunny → regular, guest, sunny"}},

		{name: "threshold", text: swap(base, "at_least: 10", "at_least: 12"), rules: []string{"badge regular: at_least 10 → 12"}},
		{name: "sticky", text: swap(base, "name: Guest", "name: Guest, sticky: true"), rules: []string{"badge guest: sticky false → true"}},
		{name: "percent", text: swap(base, "percent: 80", "percent: 81"), rules: []string{"badge sunny: condition 2 happy of moods at least 80 % → happy of moods at least 81 %"}},
		{name: "badge gone, badge new", text: swap(base, "slug: guest", "slug: visitor"), rules: []string{"badge guest: gone", "badge visitor: new"}},
		{name: "counter new", text: swap(base, "  days:", "  xp: {total: [{on: club.joined, add: 5}]}\n  days:"), rules: []string{"counter xp: new"}},
		{name: "amount", text: swap(base, "  days:", "  xp: {total: [{on: club.visited, add: stars}]}\n  days:"), rules: []string{"counter xp: new"}},
		{name: "window", text: swap(base, "things:", "dedupe: {window: 7}\nthings:"), rules: []string{"dedupe: window 100000 → 7"}},
		{name: "system account", text: swap(base, "things:", "system_accounts: [bot]\nthings:"), rules: []string{`system account "bot": new`}},
		{name: "event new", text: swap(base, joined, joined+"  club.left: {}\n"), rules: []string{"event club.left: new"}},
		{name: "field range", text: swap(base, "{int: [1, 5]}", "{int: [1, 6]}"), rules: []string{"event club.visited: field stars int [1, 5] → int [1, 6]"}},
		{name: "field optional", text: swap(base, "note?", "note"), rules: []string{"event club.visited: field note id, may be absent → id"}},
		{name: "field new", text: swap(base, joined, "  club.joined: {by: id}\n"), rules: []string{"event club.joined: fields: gone (was none)", "event club.joined: field by: new (id)"}},
		{name: "enum order", text: swap(base, "[up, down]", "[down, up]"), rules: []string{
			"counter happy: from moods 1 per row with code 1 → 1 per row with code 2",
			`event club.visited: field mood enum ["up" "down"] → enum ["down" "up"]`,
		}},
		{name: "unless gone", text: swap(base, ", unless: subject is host", ""), rules: []string{
			"rows visits: on club.visited credit subject: set member place value 1, unless host is subject → credit subject: set member place value 1",
		}},
		{name: "credit", text: swap(base, "add: place, unless: subject is host", "credit: host, add: place, unless: subject is host"), rules: []string{
			"rows visits: on club.visited credit subject: set member place value 1, unless host is subject → credit host: set member place value 1, unless host is subject",
		}},
		{name: "places", text: swap(base, "places: 10", "places: 11"), rules: []string{"rows early: kind first 10 → first 11"}},
		{name: "order by time", text: swap(base, "set: mood}]}", "set: mood}], order: time}"), rules: []string{"rows moods: order fold → time"}},
		{name: "mean", text: swap(base, "at_least: 4}", "at_least: 4.5}"), rules: []string{
			"counter good_places: from place mean of place.stars at least 4.00 → mean of place.stars at least 4.50",
		}},
		{name: "decimals", text: swap(base, "at_least: 4}", "at_least: 4, decimals: 1}"), rules: []string{
			"counter good_places: from place mean of place.stars at least 4.00 → mean of place.stars at least 4.0",
		}},
		{name: "value counted", text: swap(base, "value: up", "value: down"), rules: []string{"counter happy: from moods 1 per row with code 1 → 1 per row with code 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			after, err := Parse("after.yaml", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := before.Diff(after); !slices.Equal(got, c.rules) {
				t.Errorf("rules:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.rules, "\n"))
			}
			if got := before.DisplayDiff(after); !slices.Equal(got, c.display) {
				t.Errorf("display:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.display, "\n"))
			}
			if same := before.RulesHash == after.RulesHash; same != (len(c.rules) == 0) {
				t.Errorf("equal hashes: %v, with %d changed rules", same, len(c.rules))
			}
		})
	}
}

// TestRuleOrderCounts: two rules of one event on one set may name the same
// row, and then the later one wins.
func TestRuleOrderCounts(t *testing.T) {
	const one, other = "{on: club.visited, remove: host}", "{on: club.visited, add: place, unless: subject is host}"
	text := func(rules string) string { return strings.Replace(base, other, rules, 1) }
	a, err := Parse("a.yaml", []byte(text(one+", "+other)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse("b.yaml", []byte(text(other+", "+one)))
	if err != nil {
		t.Fatal(err)
	}
	if a.RulesHash == b.RulesHash || len(a.Diff(b)) == 0 {
		t.Errorf("the order of two rules makes no difference: %v", a.Diff(b))
	}
}

// TestHashIsStable loads one file again and again: nothing may depend on the
// order in which Go walks its maps.
func TestHashIsStable(t *testing.T) {
	for range 20 {
		a, err := Load("starview")
		if err != nil {
			t.Fatal(err)
		}
		b, err := Load("starview")
		if err != nil {
			t.Fatal(err)
		}
		if a.RulesHash != b.RulesHash || len(a.RulesHash) != 64 {
			t.Fatalf("the same file hashes to %s and %s", a.RulesHash, b.RulesHash)
		}
	}
}
