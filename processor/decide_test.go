package processor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// desk folds what a user does, and what people decide about him, and says after
// each which badge events that gave.
type desk struct {
	t      *testing.T
	memory *processor.Memory
	batch  *processor.Batch
	window *processor.Window
	offset int64
	batch1 bool // each event is a batch of its own
	log    []string
}

func newDesk(t *testing.T, alone bool) *desk {
	cat := load(t, "starview")
	return &desk{t: t, memory: processor.NewMemory(cat), batch: processor.New(cat), window: processor.NewWindow(cat.DedupeWindow), batch1: alone}
}

func (d *desk) source(ev *schemas.Event) processor.Source {
	d.offset++
	ev.ID, ev.Source = fmt.Sprint(d.offset), "/t"
	return processor.Source{Topic: "t", Offset: d.offset, ID: ev.ID, Origin: ev.Source, Time: d.offset * 1_000_000}
}

func (d *desk) visit(kind, location string) {
	ev := &schemas.Event{Type: "starview.location." + kind, Subject: "mira", Data: fmt.Appendf(nil, `{"location":%q}`, location)}
	if v, err := d.batch.Add(ev, d.source(ev), d.window); v != processor.Folded || err != nil {
		d.t.Fatal(v, err)
	}
	d.folded()
}

func (d *desk) decide(verb schemas.Verb, badge string) {
	ev := &schemas.Event{Type: verb.Type(), Subject: "mira", Data: fmt.Appendf(nil, `{"badge":%q,"by":"anna","reason":"so"}`, badge)}
	if v, err := d.batch.Decide(ev, d.source(ev), d.window); v != processor.Folded || err != nil {
		d.t.Fatal(v, err)
	}
	d.folded()
}

func (d *desk) folded() {
	if d.batch1 {
		d.flush()
	}
}

func (d *desk) flush() {
	if err := d.memory.Fold(d.batch); err != nil {
		d.t.Fatal(err)
	}
	for _, c := range d.batch.Changes() {
		sign := "+"
		if c.Revoked {
			sign = "-"
		}
		d.log = append(d.log, fmt.Sprintf("%d%s%s by hand %t since %d, version %d", c.Source.Offset, sign, d.batch.Catalog().Badges[c.Badge].Slug, c.ByHand, c.EarnedAt/1_000_000, c.Version))
	}
	d.batch.Reset()
}

func (d *desk) pins() string {
	d.flush()
	var s schemas.Snapshot
	f := d.memory.User("mira")
	processor.FillSnapshot(d.batch.Catalog(), &f, &s)
	return strings.Join(s.Pins, " ")
}

// TestDecisionsHold goes through what people can decide about a badge while its
// criterion becomes true and false: event by event, and all in one batch.
func TestDecisionsHold(t *testing.T) {
	for _, alone := range []bool{true, false} {
		d := newDesk(t, alone)
		d.decide(schemas.Grant, "explorer") // 1
		for i := range 5 {
			d.visit("visited", fmt.Sprint("L", i)) // 2 to 6: held already
		}
		d.visit("unvisited", "L4")            // 7: it stays
		d.decide(schemas.Revoke, "explorer")  // 8
		d.visit("visited", "L5")              // 9: it stays away
		d.decide(schemas.Release, "explorer") // 10: the rules give it
		d.decide(schemas.Grant, "explorer")   // 11: as before, and remembered
		d.visit("unvisited", "L5")            // 12
		d.decide(schemas.Release, "explorer") // 13: the rules take it
		d.visit("visited", "L6")              // 14: and give it
		d.decide(schemas.Release, "explorer") // 15: nothing to decide
		d.flush()
		want := []string{
			"1+explorer by hand true since 1, version 1", "2+first-light by hand false since 2, version 2",
			"8-explorer by hand true since 1, version 8", "10+explorer by hand true since 10, version 10",
			"13-explorer by hand true since 10, version 13", "14+explorer by hand false since 14, version 14",
		}
		if !slices.Equal(d.log, want) {
			t.Errorf("alone %t, it gave\n%s", alone, strings.Join(d.log, "\n"))
		}
		if f := d.memory.User("mira"); f.Version != 15 || len(f.ByHand.Granted)+len(f.ByHand.Withheld) != 0 {
			t.Errorf("alone %t, the row is %+v, %+v", alone, f, f.ByHand)
		}
	}
}

// TestPins pins badges that are held and one that is not.
func TestPins(t *testing.T) {
	d := newDesk(t, true)
	for _, badge := range []string{"explorer", "first-light", "pathfinder", "trusted-source"} {
		d.decide(schemas.Grant, badge)
	}
	d.decide(schemas.Pin, "pathfinder")
	d.decide(schemas.Pin, "explorer")
	d.decide(schemas.Pin, "pathfinder")
	for _, tc := range []struct {
		verb        schemas.Verb
		badge, want string
	}{
		{schemas.Pin, "first-light", "pathfinder explorer first-light"},
		{schemas.Pin, "trusted-source", "pathfinder explorer first-light"}, // there are three
		{schemas.Revoke, "explorer", "pathfinder first-light"},
		{schemas.Grant, "explorer", "pathfinder explorer first-light"}, // it comes back with the badge
		{schemas.Revoke, "explorer", "pathfinder first-light"},
		{schemas.Pin, "trusted-source", "pathfinder first-light trusted-source"}, // in the place of what is not held
		{schemas.Grant, "explorer", "pathfinder first-light trusted-source"},
		{schemas.Unpin, "first-light", "pathfinder trusted-source"},
		{schemas.Unpin, "first-light", "pathfinder trusted-source"},
	} {
		if d.decide(tc.verb, tc.badge); d.pins() != tc.want {
			t.Errorf("%s %s: the pins are %s, and should be %s", tc.verb, tc.badge, d.pins(), tc.want)
		}
	}
}

// TestDecisionsRejected wants what nobody can have meant to be no decision.
func TestDecisionsRejected(t *testing.T) {
	cat := load(t, "starview")
	b := processor.New(cat)
	good := `{"badge":"explorer","by":"anna","reason":"so"}`
	long := strings.Repeat("x", schemas.MaxReasonBytes+1)
	for _, tc := range []struct{ verb, user, data, want string }{
		{"grant", "mira", good, ""},
		{"pin", "mira", `{"badge":"explorer","by":"mira"}`, ""},
		{"grant", "", good, "attribute: subject is missing"},
		{"grant", strings.Repeat("u", 256), good, "too-large: subject"},
		{"grant", "mira", ``, "data: the data of badgestream.grant must be an object"},
		{"grant", "mira", `{"badge":7}`, "data: the data of badgestream.grant must be an object"},
		{"revoke", "mira", `{"badge":"explorer","by":"anna"}`, "data: data.reason is missing"},
		{"revoke", "mira", `{"badge":"explorer","reason":"so"}`, "data: data.by is missing"},
		{"grant", "mira", `{"badge":"explorer","by":"anna","reason":"` + long + `"}`, "too-large: data.reason"},
		{"grant", "mira", `{"badge":"explorer","by":"a\u0000","reason":"so"}`, "data: data.by holds the character U+0000"},
		{"grant", "mira", `{"badge":"exploder","by":"anna","reason":"so"}`, `data: data.badge is "exploder"`},
	} {
		_, _, err := b.Decision(&schemas.Event{Type: schemas.Verb(tc.verb).Type(), Subject: tc.user, Data: []byte(tc.data)})
		if got := fmt.Sprint(err); err == nil && tc.want != "" || err != nil && (tc.want == "" || !strings.HasPrefix(got, tc.want)) {
			t.Errorf("%s %.20s %.60s: %v, and not %q", tc.verb, tc.user, tc.data, err, tc.want)
		}
	}
	for user := range cat.System {
		if _, _, err := b.Decision(&schemas.Event{Type: schemas.Grant.Type(), Subject: user, Data: []byte(good)}); err == nil {
			t.Errorf("the system account %s can be given a badge", user)
		}
	}
}
