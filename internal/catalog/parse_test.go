package catalog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// base is a small catalogue in which the tests below break one thing each.
const base = `name: club
events:
  club.visited: {place: id, host: id, stars: {int: [1, 5]}, mood: {enum: [up, down]}, note?: id}
  club.closed: {place: id, host: id}
  club.joined: {}
things:
  place:
    rules:
      - {on: club.closed, credit: host, delete: place}
    members:
      stars:
        rules:
          - {on: club.visited, credit: host, thing: place, member: subject, set: stars}
counters:
  visits: {set: [{on: club.visited, add: place, unless: subject is host}]}
  moods: {map: [{on: club.visited, member: place, set: mood}]}
  happy: {map: moods, value: up}
  stars: {things: place, sum: stars}
  good_places: {things: place, mean: stars, at_least: 4}
  early: {first: [{on: club.joined}], places: 10}
  days: {age: [{on: club.joined}]}
ratios:
  happiness: {of: happy, to: moods}
badges:
  - category: VISITS
    criterion: COUNT
    counter: visits
    badges:
      - {slug: guest, name: Guest, tier: 1, at_least: 1}
      - {slug: regular, name: Regular, tier: 2, at_least: 10}
  - category: MOOD
    criterion: HAPPY
    badges:
      - slug: sunny
        name: Sunny
        all:
          - {counter: moods, at_least: 5}
          - {ratio: happiness, percent: 80}
`

func TestBaseIsRight(t *testing.T) {
	if _, err := Parse("base.yaml", []byte(base)); err != nil {
		t.Fatal(err)
	}
}

// TestErrors breaks base by replacing one text by another. Every message is
// wanted exactly, and in its place: where the ^ stands in the text before the
// bar.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		want           []string
	}{
		// YAML
		{"not YAML", "ratios:", "ratios: [", []string{"^badges:\n  - category: VISITS|this is not YAML: ',' or ']' must be specified"}},
		{"tab", "  club.joined: {}", "\tclub.joined: {}", []string{"^\tclub.joined|this is not YAML: found character '\t' that cannot start any token"}},
		{"second colon", "name: Sunny", "name: Sunny: side up", []string{"Sunny^: side|a second `: ` on this line: a text that holds a colon goes in quotes"}},
		{"anchor", "name: club", "name: &club club", []string{"^&club|anchors and aliases (&, *, <<) are not read: write the value out; a text that begins so goes in quotes"}},
		{"alias", "name: Sunny", "name: *club", []string{"^*club|anchors and aliases (&, *, <<) are not read: write the value out; a text that begins so goes in quotes"}},
		{"tag", "name: club", "name: !!str club", []string{"^!!str|tags and directives (!, %) are not read: leave it out; a text that begins so goes in quotes"}},
		{"two documents", "name: club", "---\nname: club\n---", []string{"^events:|a second YAML document begins here: one file holds one catalogue"}},
		{"key twice", "ratios:", "name: again\nratios:", []string{`^name: again|"name" stands here a second time, after line 1: keep one of them`}},
		{"not UTF-8", "name: club", "name: \xff", []string{"^\xff|this is not UTF-8 text, or holds a NUL: save the file as UTF-8"}},
		{"NUL", "name: Sunny", `name: "\0"`, []string{`^"\0"|a text cannot hold a NUL: leave it out`}},

		// shape
		{"unknown key", "counter: visits", "countre: visits", []string{
			`^countre: visits|unknown key "countre": did you mean "counter"?`,
			"at_least: ^1}|at_least of which counter? Add counter to the badge or to its group",
			"at_least: ^10}|at_least of which counter? Add counter to the badge or to its group",
		}},
		{"unknown key, nothing like it", "ratios:", "zebra: 1\nratios:", []string{
			`^zebra|unknown key "zebra": there are badges, counters, dedupe, events, name, ratios, system_accounts and things`,
		}},
		{"missing key", "name: Guest, ", "", []string{`^{slug: guest|"name" is missing`}},
		{"missing keys", "slug: guest, name: Guest, ", "", []string{`^{tier: 1|"name" and "slug" are missing`}},
		{"wrong type", "tier: 1", "tier: first", []string{"tier: ^first,|this is a text, but here belongs a whole number"}},
		{"fraction", "tier: 1", "tier: 1.5", []string{"^1.5|this is a number, but here belongs a whole number"}},
		{"nothing after a key", "name: club\n", "name: club\ndedupe:\n", []string{"^dedupe:|this is empty, but here belongs a mapping"}},
		{"empty", "badges:\n  - category: VISITS", "badges:\n  - category: ''", []string{"^''|this is empty: write a text"}},
		{"bad name", "visits: {set", "Visits: {set", []string{
			`^Visits: {set|"Visits" does not fit: a name is a lower-case letter followed by at most 40 lower-case letters, digits or _, such as photos_uploaded`,
			`counter: ^visits|there is no counter "visits": did you mean "Visits"?`,
		}},
		{"long name", "early: {first", strings.Repeat("e", 42) + ": {first", []string{
			"^" + strings.Repeat("e", 42) + `: {first|"` + strings.Repeat("e", 42) + `" does not fit: a name is a lower-case letter followed by at most 40 lower-case letters, digits or _, such as photos_uploaded`,
		}},
		{"bad slug", "slug: guest", "slug: Guest_1", []string{`^Guest_1|"Guest_1" does not fit: a slug is at most 63 lower-case letters, digits or -, such as first-light`}},
		{"no kind of counter", "early: {first: [{on: club.joined}], places: 10}", "early: {frist: [{on: club.joined}], places: 10}", []string{`^frist|unknown key "frist": did you mean "first"?`}},
		{"two kinds of counter", "places: 10}", "age: [{on: club.joined}]}", []string{`, ^age: [{on: club.joined}]}|"first" and "age" exclude each other: keep one of them`}},
		{"empty counter", "days: {age: [{on: club.joined}]}", "days: {}", []string{"days: ^{}|a counter is one of set, map, gauge, total, first, age or things"}},
		{"no places", ", places: 10", "", []string{`early: ^{|"places" is missing`}},
		{"key of another kind", "places: 10", "places: 10, order: time", []string{`^order: time|unknown key "order": there are first and places`}},
		{"no rules", "{age: [{on: club.joined}]}", "{age: []}", []string{"age: ^[]|this is empty: write at least one"}},
		{"rule does nothing", "add: place, ", "", []string{`^{on: club.visited, unless: subject|one of "add" and "remove" is missing`}},
		{"rule does two things", "set: mood", "set: mood, unset: true", []string{`^unset: true|"set" and "unset" exclude each other: keep one of them`}},
		{"badge without criterion", ", tier: 1, at_least: 1}", ", tier: 1}", []string{"^{slug: guest|say when it is held: at_least for one counter, or all for a list of conditions"}},
		{"threshold 0", "at_least: 1}", "at_least: 0}", []string{"at_least: ^0|0 is too small: write 1 or more"}},
		{"percent", "percent: 80", "percent: 101", []string{"^101|101 is too large: write 100 or less"}},
		{"condition without threshold", "{counter: moods, at_least: 5}", "{counter: moods}", []string{`{^counter: moods}|"counter" needs "at_least" beside it`}},
		{"field kind", "host: id, stars: {int: [1, 5]}", "host: text, stars: {int: [1, 5]}", []string{
			`^text|"text" does not fit: a field is id, {int: [1, 5]}, {enum: [up, down]} or {set: [bio, picture]}`,
		}},
		{"int bounds", "{int: [1, 5]}", "{int: [1]}", []string{
			"^[1]|something is missing: int takes the lowest and the highest number, such as {int: [1, 5]}",
		}},
		{"int the wrong way round", "{int: [1, 5]}", "{int: [5, 1]}", []string{"[^5, 1]|from 5 to 1 is the wrong way round: write [1, 5]"}},
		{"int too large", "{int: [1, 5]}", "{int: [1, 5000000000]}", []string{
			"^5000000000|5000000000 is too large: write 2147483647 or less",
			"set: ^stars}|the values of members \"stars\" of \"place\" range from 1 to 5000000000: a row holds at most 2147483631 different ones, narrow the field's int",
		}},
		{"too many codes", "{int: [1, 5]}", "{int: [-5, 2147483647]}", []string{
			"set: ^stars}|the values of members \"stars\" of \"place\" range from -5 to 2147483647: a row holds at most 2147483631 different ones, narrow the field's int",
		}},
		{"unless", "unless: subject is host", "unless: subject = host", []string{`^subject = host|"subject = host" does not fit: unless compares two fields, or a field and subject, such as: subject is author`}},
		{"order", "{map: [{on: club.visited, member: place, set: mood}]}", "{map: [{on: club.visited, member: place, set: mood}], order: folded}", []string{`^folded|"folded" is not known here: did you mean "fold"?`}},

		// meaning
		{"unknown event", "{age: [{on: club.joined}]}", "{age: [{on: club.joind}]}", []string{`^club.joind|there is no event type "club.joind": did you mean "club.joined"?`}},
		{"tick in a rule", "{age: [{on: club.joined}]}", "{age: [{on: badgestream.tick}]}", []string{"^badgestream.tick|badgestream.tick drives ages by itself: no rule can name it"}},
		{"tick declared", "  club.joined: {}", "  club.joined: {}\n  badgestream.tick: {}", []string{"^badgestream.tick|event types that begin with badgestream. are its own: leave it out"}},
		{"unknown field", "add: place", "add: plaice", []string{`^plaice|event club.visited has no field "plaice": did you mean "place"?`}},
		{"field of another event", "{on: club.closed, credit: host, delete: place}", "{on: club.joined, credit: host, delete: place}", []string{
			`joined, credit: ^host|event club.joined has no field "host": there is only subject`,
			`delete: ^place|event club.joined has no field "place": there is only subject`,
		}},
		{"member of a wrong kind", "member: place, set: mood", "member: stars, set: mood", []string{`member: ^stars|field "stars" of club.visited holds a number (int): here belongs an id`}},
		{"credit of a wrong kind", "credit: host, thing", "credit: mood, thing", []string{`credit: ^mood|field "mood" of club.visited holds one of some texts (enum): here belongs an id`}},
		{"optional member", "member: place, set: mood", "member: note, set: mood", []string{`member: ^note|"note" may be absent: member needs a field that is always there, declare it without ?`}},
		{"value of a wrong kind", "set: mood", "set: host", []string{`set: ^host|field "host" of club.visited holds an id: a value is an int, enum or set field, or true`}},
		{"value subject", "set: mood", "set: subject", []string{"set: ^subject|subject is no value: name an int, enum or set field, or write true"}},
		{"value false", "set: mood", "set: false", []string{"^false|write true, a field or a number; to take the value away, write unset: true instead"}},
		{"values that do not go together", "set: mood}]", "set: mood}, {on: club.visited, member: host, set: 7}]", []string{
			"set: ^7|this value is a number from 7 to 7, but on line 16 it is one of up and down: one collection holds one kind of value, in one order",
		}},
		{"value that is none", "value: up", "value: upp", []string{`^upp|"upp" is no value of moods: did you mean "up"?`}},
		{"texts do not add up", "value: up", "adds: values", []string{`^happy: {map|the values of "moods" are texts, which do not add up: say which one counts, such as value: up`}},
		{"adds and value", "value: up", "adds: members, value: up", []string{"^value: up|with value, a member adds 1 if it has that value: leave adds out, or value"}},
		{"unknown map", "map: moods", "map: mods", []string{`^mods|there is no map counter "mods": did you mean "moods"?`}},
		{"a set is no map", "map: moods", "map: visits", []string{`map: ^visits|there is no map counter "visits": there is only moods`}},
		{"unknown thing", "things: place, sum", "things: plaza, sum", []string{`^plaza|there is no thing "plaza": did you mean "place"?`}},
		{"unknown members", "sum: stars", "sum: star", []string{`sum: ^star}|thing "place" has no members "star": did you mean "stars"?`}},
		{"nothing creates it", "days:", "all_places: {things: place}\n  days:", []string{`^all_places|nothing feeds counter "all_places": no rule creates place, add one under things`}},
		{"count and sum", "{things: place, sum: stars}", "{things: place, sum: stars, count: stars}", []string{`^sum: stars, count|"count" and "sum" exclude each other: keep one of them`}},
		{"too many sums", "  early:", "  a: {things: place, count: stars, value: 1}\n  b: {things: place, count: stars, value: 2}\n  c: {things: place, count: stars, value: 3}\n  early:", []string{
			"^place:\n    rules|counters need 5 different sums of the members of \"place\": 4 is the most, leave some out",
		}},
		{"number that is none", "days:", "sixes: {things: place, count: stars, value: 6}\n  days:", []string{"value: ^6|6 is no value of place.stars: it holds a number from 1 to 5"}},
		{"mean out of reach", "at_least: 4}", "at_least: 5.5}", []string{"^5.5|no mean reaches 5.5: the values of place.stars are at most 5"}},
		{"mean too fine", "at_least: 4}", "at_least: 4.125}", []string{"^4.125|4.125 has more than 2 decimals, to which the mean is rounded: raise decimals or write fewer"}},
		{"mean of nothing", "at_least: 4}", "at_least: 0}", []string{"at_least: ^0}|0 is too small: write more than 0"}},
		{"nobody feeds a set", "{on: club.visited, add: place, unless: subject is host}", "{on: club.visited, remove: place}", []string{`^visits: {set|no rule feeds counter "visits": add one with set, insert or add`}},
		{"nobody counts members", "  stars: {things: place, sum: stars}\n  good_places: {things: place, mean: stars, at_least: 4}\n", "", []string{
			"^stars:\n|no counter counts stars: add one such as {things: place, count: stars}, or leave them out",
		}},
		{"unless always", "subject is host", "subject is subject", []string{"^subject is|this is always so: compare two different things"}},
		{"name taken", "  happiness:", "  moods:", []string{
			`^moods: {of|the name "moods" is taken on line 16: things, counters and ratios need names of their own`,
			`ratio: ^happiness|there is no ratio "happiness": there is none yet`,
		}},
		{"unknown counter in a ratio", "{of: happy,", "{of: hapy,", []string{`^hapy|there is no counter "hapy": did you mean "happy"?`}},
		{"ratio of itself", "{of: happy, to: moods}", "{of: moods, to: moods}", []string{"to: ^moods|a counter is always 100 % of itself: name two counters"}},
		{"age in a ratio", "{of: happy,", "{of: days,", []string{`of: ^days|"days" is an age: a ratio compares counts`}},
		{"unknown counter", "counter: visits", "counter: visit", []string{`counter: ^visit|there is no counter "visit": did you mean "visits"?`}},
		{"unknown ratio", "ratio: happiness", "ratio: hapiness", []string{`^hapiness|there is no ratio "hapiness": did you mean "happiness"?`}},
		{"slug twice", "slug: regular", "slug: guest", []string{`slug: ^guest, name: Regular|the slug "guest" is taken on line 29: every badge needs its own`}},
		{"group twice", "category: MOOD\n    criterion: HAPPY", "category: VISITS\n    criterion: COUNT", []string{
			"^category: VISITS\n    criterion: COUNT\n    badges|category \"VISITS\" and criterion \"COUNT\" stand here a second time, after line 25: put their badges into one group",
		}},
		{"two counters for a badge", "tier: 1, at_least", "tier: 1, counter: moods, at_least", []string{"tier: 1, counter: ^moods|the group names a counter already: leave it out here, or out of the group"}},
		{"group counter beside all", "criterion: HAPPY\n", "criterion: HAPPY\n    counter: moods\n", []string{
			"^all:|the group's counter is for badges with at_least: leave it out of the group, and name it in each badge that needs it",
		}},
		{"higher tier easier", "at_least: 10}", "at_least: 10}\n      - {slug: hero, name: Hero, tier: 3, at_least: 9}", []string{
			"^{slug: hero|hero (tier 3) needs 9, less than regular (tier 2) with 10: a higher tier must not be easier",
		}},
		{"out of reach", "counter: visits", "counter: early", []string{"at_least: ^10}|early never reaches 10: it is at most 1"}},
		{"age too long", "counter: moods, at_least: 5", "counter: days, at_least: 40000", []string{"^40000|40000 days is too long: 36500 is the most"}},
		{"condition twice", "{ratio: happiness, percent: 80}", "{counter: moods, at_least: 6}", []string{"^{counter: moods, at_least: 6|moods stands here a second time: keep the condition that asks for more"}},
		{"subject as field", "{place: id, host: id}", "{place: id, host: id, subject: id}", []string{
			"^subject: id|subject always means the user who acts: a field of that name cannot be used, leave it out",
		}},
		{"insert by time", "set: mood}]", "insert: mood}], order: time", []string{"^insert|insert asks what was folded before, which order: time does not: use set and unset, or order: fold"}},

		// several at once
		{"three at once", "{on: club.visited, add: place, unless: subject is host}", "{on: club.visit, ad: place}, {on: club.joined, credit: me, add: place}", []string{
			`^club.visit,|there is no event type "club.visit": did you mean "club.visited"?`,
			`^ad: place|unknown key "ad": did you mean "add"?`,
			`credit: ^me|event club.joined has no field "me": there is only subject`,
			`me, add: ^place|event club.joined has no field "place": there is only subject`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Count(base, c.old) == 0 {
				t.Fatalf("base does not hold %q", c.old)
			}
			text := strings.Replace(base, c.old, c.new, 1)
			_, err := Parse("c.yaml", []byte(text))
			var errs Errors
			if !errors.As(err, &errs) {
				t.Fatalf("got %v, want Errors", err)
			}
			var want []string
			for _, w := range c.want {
				where, message, _ := strings.Cut(w, "|")
				line, col := position(t, text, where)
				want = append(want, fmt.Sprintf("c.yaml:%d:%d: %s", line, col, message))
			}
			if got := err.Error(); got != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
			}
		})
	}
}

// position finds the only place of a text that holds a ^, and says where the ^
// points.
func position(t *testing.T, text, where string) (line, col int) {
	before, after, _ := strings.Cut(where, "^")
	if n := strings.Count(text, before+after); n != 1 {
		t.Fatalf("%q stands in the text %d times", where, n)
	}
	at := strings.Index(text, before+after) + len(before)
	begin := strings.LastIndexByte(text[:at], '\n') + 1
	return 1 + strings.Count(text[:at], "\n"), 1 + utf8.RuneCountInString(text[begin:at])
}

// TestVeryManyErrors are not all told.
func TestVeryManyErrors(t *testing.T) {
	_, err := Parse("c.yaml", []byte(base+strings.Repeat("          - {counter: mods, at_least: 5}\n", 16)+strings.Repeat("  - {}\n", 150)))
	var errs Errors
	if !errors.As(err, &errs) || len(errs) != maxErrors+1 {
		t.Fatalf("%d errors, want %d and a last line", len(errs), maxErrors)
	}
	// 1 list of 18 conditions where 16 are the most, 16 unknown counters, and
	// 150 empty groups make 167.
	if got := errs[maxErrors].Message; got != "here and further down are 67 more errors" {
		t.Errorf("the last line is %q", got)
	}
}

func TestLoad(t *testing.T) {
	if _, err := Load("starveiw"); err == nil || err.Error() != `there is no catalogue "starveiw": did you mean "starview"? A file is named by its path, such as ./starveiw.yaml` {
		t.Errorf("a misspelt name: %v", err)
	}
	if _, err := Load("no/such.yaml"); err == nil || !strings.HasPrefix(err.Error(), "reading catalogue no/such.yaml: ") {
		t.Errorf("a missing file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "club.yaml")
	if err := os.WriteFile(path, []byte(base), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil || c.Name != "club" || string(c.Text) != base {
		t.Errorf("Load(%s) = %v, %v", path, c, err)
	}
	if err := os.WriteFile(path, make([]byte, MaxFileBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "larger than 4 MiB") {
		t.Errorf("a file that is too large: %v", err)
	}
}
