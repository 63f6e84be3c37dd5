package differential

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Catalog draws a catalogue as a file would have it: every kind of counter,
// rule, order, value and criterion that there is, with thresholds so low that
// badges come and go.
func Catalog(rng *rand.Rand) string {
	d := &drawing{Rand: rng, ceilings: map[string]int64{}}
	d.printf("name: drawn\n")
	if d.odds(60) {
		d.printf("system_accounts: [sys%s]\n", []string{"", ", \"ro bot\"", ", é"}[d.IntN(3)])
	}
	if d.odds(80) {
		d.printf("dedupe: {window: %d}\n", one(rng, []int{0, 1, 3, 10, 40, 10_000_000}))
	}
	d.drawEvents()
	things := d.drawThings()
	d.drawCounters(things)
	d.drawBadges()
	return d.text.String()
}

// drawing is a catalogue in the making.
type drawing struct {
	*rand.Rand
	text   strings.Builder
	events []event
	// counters, by what can be asked of them; maps can be counted in another way.
	counters, ages []string
	ceilings       map[string]int64 // the most that a counter can be
	ratios         []string
	slugs          int
}

// event is a type of event with its fields, by what they hold. All events have
// a subject.
type event struct {
	name string
	// ids are fields that hold an id, may those that may be absent.
	ids, may []string
	ints     []intField
	enums    []string // moods or ways
	set      bool     // a field "parts"
	// amounts may be added; they may be absent.
	amounts []string
}

type intField struct {
	name     string
	min, max int64
}

func (d *drawing) odds(percent int) bool { return odds(d.Rand, percent) }

func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(&d.text, format, args...) }

// Enums that several events have, so that one collection takes values of both.
const (
	moods = "[cosy, formal, é]"
	ways  = "[up, down]"
	parts = "[photo, motto, kitchen]"
)

func texts(enum string) []string { return strings.Split(strings.Trim(enum, "[]"), ", ") }

func (d *drawing) drawEvents() {
	d.printf("events:\n")
	for i := range 3 + d.IntN(5) {
		ev := event{name: fmt.Sprintf("d.e%d", i)}
		var fields []string
		for _, id := range []string{"who", "what"} {
			if d.odds(65) {
				ev.ids = append(ev.ids, id)
				fields = append(fields, id+": id")
			}
		}
		if d.odds(20) {
			ev.may = append(ev.may, "other")
			fields = append(fields, "other?: id")
		}
		if d.odds(60) {
			f := one(d.Rand, []intField{{"n", 1, 5}, {"n", -3, 3}, {"n", 0, 1}, {"n", 4, 4}, {"n", -1_000_000, 1_000_000_000}})
			ev.ints = append(ev.ints, f)
			ev.amounts = append(ev.amounts, "n")
			fields = append(fields, fmt.Sprintf("n: {int: [%d, %d]}", f.min, f.max))
		}
		if d.odds(25) {
			ev.amounts = append(ev.amounts, "wide")
			fields = append(fields, "wide"+[]string{"", "?"}[d.IntN(2)]+": {int: [-2147483648, 2147483647]}")
		}
		if d.odds(35) {
			ev.enums = append(ev.enums, "mood")
			fields = append(fields, "mood: {enum: "+moods+"}")
		}
		if d.odds(20) {
			ev.enums = append(ev.enums, "way")
			fields = append(fields, "way: {enum: "+ways+"}")
		}
		switch d.IntN(4) {
		case 0:
			ev.set = true
			ev.amounts = append(ev.amounts, "parts")
			fields = append(fields, "parts: {set: "+parts+"}")
		case 1:
			ev.amounts = append(ev.amounts, "parts")
			fields = append(fields, "parts?: {set: "+parts+"}")
		}
		d.printf("  %s: {%s}\n", ev.name, strings.Join(fields, ", "))
		d.events = append(d.events, ev)
	}
}
