package processor_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

func TestVerdicts(t *testing.T) {
	cat := load(t, "starview")
	b, w := processor.New(cat), processor.NewWindow(cat.DedupeWindow)
	visit := schemas.Event{ID: "e1", Source: "/s", Type: "starview.location.visited", Subject: "u1", Data: []byte(`{"location":"L1"}`)}
	but := func(change func(*schemas.Event)) schemas.Event {
		ev := visit
		change(&ev)
		return ev
	}
	broken := but(func(e *schemas.Event) { e.ID, e.Data = "e2", []byte(`{"location":1}`) })
	unknown := but(func(e *schemas.Event) { e.ID, e.Type = "e3", "starview.location.seen" })
	for offset, tc := range []struct {
		what   string
		ev     schemas.Event
		want   processor.Verdict
		reject bool
	}{
		{"a visit", visit, processor.Folded, false},
		{"the same again", visit, processor.Duplicate, false},
		{"of another source", but(func(e *schemas.Event) { e.Source = "/t" }), processor.Folded, false},
		{"broken", broken, processor.Unknown, true},
		{"mended, under the same id", but(func(e *schemas.Event) { e.ID = "e2" }), processor.Folded, false},
		{"of an unknown type", unknown, processor.Unknown, false},
		{"of a known type, under the same id", but(func(e *schemas.Event) { e.ID = "e3" }), processor.Folded, false},
		{"a tick", schemas.Event{ID: "t1", Source: "/s", Type: schemas.TickType, Data: []byte(`{}`)}, processor.Tick, false},
		{"the same tick", schemas.Event{ID: "t1", Source: "/s", Type: schemas.TickType, Data: []byte(`{}`)}, processor.Duplicate, false},
		{"of a system account", but(func(e *schemas.Event) { e.ID, e.Subject = "e4", "starview" }), processor.Folded, false},
	} {
		got, err := b.Add(&tc.ev, processor.Source{Offset: int64(offset), Time: 1}, w)
		var reject *schemas.Reject
		if got != tc.want || errors.As(err, &reject) != tc.reject || err != nil && !tc.reject {
			t.Errorf("%s: verdict %d and %v, want %d and a reject: %v", tc.what, got, err, tc.want, tc.reject)
		}
	}
}

// TestAnEventWithoutEffectLeavesNoTrace: a batch of what changes nothing is
// empty, so that no user row is written for it.
func TestAnEventWithoutEffectLeavesNoTrace(t *testing.T) {
	cat := load(t, "starview")
	b, m := processor.New(cat), processor.NewMemory(cat)
	for offset, line := range []string{
		`{"specversion":"1.0","id":"e1","source":"/s","type":"starview.location.visited","subject":"starview","time":"2026-01-01T00:00:00Z","data":{"location":"L1"}}`,
		`{"specversion":"1.0","id":"e2","source":"/s","type":"starview.vote.cast","subject":"u1","time":"2026-01-01T00:00:00Z","data":{"review":"R1","author":"u1","value":"up"}}`,
	} {
		fill(t, b, processor.NewWindow(10), [][]byte{[]byte(line)}, int64(offset))
	}
	if !b.Empty() {
		t.Error("a system account's visit and a vote for oneself are to be folded")
	}
	b.Reset()
	unvisit := `{"specversion":"1.0","id":"e3","source":"/s","type":"starview.location.unvisited","subject":"u1","time":"2026-01-01T00:00:00Z","data":{"location":"L1"}}`
	fill(t, b, processor.NewWindow(10), [][]byte{[]byte(unvisit)}, 0)
	if err := m.Fold(b); err != nil {
		t.Fatal(err)
	}
	if len(b.Finals()) != 0 {
		t.Errorf("taking away what was not there touches %v", b.Finals())
	}
}

// TestWhatEvensOutIsNoEffect: a location with one rating of five stars gets
// another. On the way from (5, 1) to (10, 2) the mean may dip, but the owner
// gains and loses nothing: his row is not written and his version stays.
func TestWhatEvensOutIsNoEffect(t *testing.T) {
	cat := load(t, "starview")
	event := func(id, kind, subject, data string) []byte {
		return []byte(`{"specversion":"1.0","id":"` + id + `","source":"/s","type":"starview.` + kind + `","subject":"` + subject + `","time":"2026-01-01T00:00:00Z","data":` + data + `}`)
	}
	rated := func(review, author string) []byte {
		return event(review, "review.created", author, `{"review":"`+review+`","location":"L1","location_owner":"owner","rating":5}`)
	}
	gone := event("e4", "review.deleted", "u3", `{"review":"R3","location":"L1","location_owner":"owner","author":"u3"}`)
	created := event("e1", "location.created", "owner", `{"location":"L1"}`)
	for what, tc := range map[string]struct {
		before [][]byte
		event  []byte
	}{
		"a second rating": {[][]byte{created, rated("R2", "u2")}, rated("R3", "u3")},
		"one rating less": {[][]byte{created, rated("R2", "u2"), rated("R3", "u3")}, gone},
	} {
		b, m, w := processor.New(cat), processor.NewMemory(cat), processor.NewWindow(10)
		fill(t, b, w, tc.before, 0)
		if err := m.Fold(b); err != nil {
			t.Fatal(err)
		}
		b.Reset()
		fill(t, b, w, [][]byte{tc.event}, int64(len(tc.before)))
		if err := m.Fold(b); err != nil {
			t.Fatal(err)
		}
		if finals := b.Finals(); len(finals) != 1 || finals[0].User != "u3" {
			t.Errorf("%s touches %v, want u3 alone", what, finals)
		}
	}
}

// TestErasedIsPassedOver: who was erased is not credited from then on, nor is
// anything decided about him; others are, by his events too.
func TestErasedIsPassedOver(t *testing.T) {
	cat := load(t, "starview")
	b, m := processor.New(cat), processor.NewMemory(cat)
	w := processor.NewWindow(10)
	visit := `{"specversion":"1.0","id":"e1","source":"/s","type":"starview.location.visited","subject":"u1","time":"2026-01-01T00:00:00Z","data":{"location":"L1"}}`
	fill(t, b, w, [][]byte{[]byte(visit)}, 0)
	b.SetErased(func(user string) bool { return user == "u1" })
	for offset, line := range []string{
		strings.NewReplacer("e1", "e2", "L1", "L2").Replace(visit),
		strings.NewReplacer("e1", "e3", "u1", "u2").Replace(visit),
		`{"specversion":"1.0","id":"e4","source":"/s","type":"starview.vote.cast","subject":"u1","time":"2026-01-01T00:00:00Z","data":{"review":"R1","author":"u2","value":"up"}}`,
	} {
		fill(t, b, w, [][]byte{[]byte(line)}, int64(1+offset))
	}
	grant := schemas.Event{ID: "e5", Source: "/s", Type: schemas.Grant.Type(), Subject: "u1", ContentType: "application/json", Data: []byte(`{"badge":"no-such","by":"anna","reason":"x"}`)}
	if verdict, err := b.Decide(&grant, processor.Source{Offset: 9, Time: 1}, w); verdict != processor.Folded || err != nil {
		t.Errorf("a decision about him: verdict %d, %v", verdict, err)
	}
	if err := m.Fold(b); err != nil {
		t.Fatal(err)
	}
	visits := slices.IndexFunc(cat.Counters, func(c catalog.Counter) bool { return c.Name == "location_visits" })
	if u := m.User("u1"); u.Version != 1 || u.Counters[visits] != 1 {
		t.Errorf("who was erased after one visit: %+v", u)
	}
	if u := m.User("u2"); u.Counters[visits] != 1 {
		t.Errorf("another: %+v", u)
	}
	votes := 0
	m.Rows(func(k processor.MemberKey, _ processor.MemberPrior) {
		if k.User == "u2" && k.Member == "u1" {
			votes++
		}
	}, func(processor.EntityKey, processor.EntityRow) {})
	if votes != 1 {
		t.Errorf("his vote for another stands %d times", votes)
	}
}
