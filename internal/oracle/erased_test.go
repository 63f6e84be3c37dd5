package oracle

import (
	"testing"

	"github.com/badgestream/badgestream/schemas"
)

// TestForgottenSince: tombstones of a user of whom something was left when the
// topic was looked at may stand behind what was read of it.
func TestForgottenSince(t *testing.T) {
	his := schemas.UserHash{1}
	for _, tc := range []struct {
		what           string
		erased, before *erasure
		dead, strayed  bool
		amiss          int
	}{
		{what: "not erased"},
		{what: "not erased, and dead", dead: true, amiss: 1},
		{what: "not erased, and dead in another partition", strayed: true, amiss: 1},
		{what: "erased since", erased: &erasure{done: true}},
		{what: "done since", erased: &erasure{done: true}, before: &erasure{}},
		{what: "done before", erased: &erasure{done: true}, before: &erasure{done: true}, amiss: 1},
		{what: "done before, and dead", erased: &erasure{done: true}, before: &erasure{done: true}, dead: true},
		{what: "done before, and dead in another partition", erased: &erasure{done: true}, before: &erasure{done: true}, strayed: true, amiss: 1},
	} {
		p := &pass{auditor: &auditor{report: newReport("g", 1, 10, checkNames())}, awards: &published{}}
		p.stored.erased, p.before = map[schemas.UserHash]*erasure{}, map[schemas.UserHash]*erasure{}
		if tc.erased != nil {
			p.stored.erased[his] = tc.erased
		}
		if tc.before != nil {
			p.before[his] = tc.before
		}
		r := &seen{user: his, event: [16]byte{2}, dead: tc.dead}
		p.awards.committed = map[string]*seen{"an award": r}
		p.awards.strays = map[[16]byte]struct{}{}
		if tc.strayed {
			p.awards.strays[r.event] = struct{}{}
		}
		p.forgotten()
		if n := len(p.report.Failed()); n != tc.amiss || r.backed != (tc.erased != nil) {
			t.Errorf("%s: %d checks fail, backed %t\n%s", tc.what, n, r.backed, p.report)
		}
	}
}

// TestGoneNumbers: of changes of users who were erased the numbers are left, and
// no others.
func TestGoneNumbers(t *testing.T) {
	change := func(offset, ordinal int64, user, badge string) schemas.BadgeEvent {
		return schemas.BadgeEvent{User: user, Badge: badge, Ordinal: ordinal, Cause: schemas.Cause{Offset: offset}}
	}
	gone := []schemas.BadgeEvent{change(3, 0, "b", "x"), change(5, 1, "b", "x"), change(5, 2, "b", "y"), change(7, 0, "b", "x"), change(7, 3, "d", "x")}
	for _, tc := range []struct {
		what  string
		rows  []schemas.BadgeEvent
		last  int64 // the next ordinal of the last offset
		amiss bool
		gaps  bool
	}{
		{what: "as it was", rows: []schemas.BadgeEvent{change(4, 0, "b2", "x"), change(5, 0, "a", "x"), change(5, 3, "c", "x"), change(7, 1, "c", "x"), change(7, 2, "c", "y")}, last: 4},
		{what: "closed up", rows: []schemas.BadgeEvent{change(5, 0, "a", "x"), change(5, 1, "c", "x")}, amiss: true},
		{what: "too wide", rows: []schemas.BadgeEvent{change(5, 0, "a", "x"), change(5, 4, "c", "x")}, amiss: true},
		{what: "too wide, after a switch", rows: []schemas.BadgeEvent{change(5, 0, "a", "x"), change(5, 4, "c", "x")}, gaps: true, last: 5},
		{what: "another's", rows: []schemas.BadgeEvent{change(4, 1, "c", "x")}, amiss: true},
	} {
		p := &pass{auditor: &auditor{report: newReport("g", 1, 10, checkNames())}}
		o := ordinals{pass: p, ranks: map[string]int{"x": 0, "y": 1}, gone: gone, gaps: tc.gaps}
		for i := range tc.rows {
			o.look(&tc.rows[i])
		}
		o.skip(nil)
		if amiss := len(p.report.Failed()) > 0; amiss != tc.amiss || !amiss && o.next.Ordinal != tc.last {
			t.Errorf("%s: the next is %d\n%s", tc.what, o.next.Ordinal, p.report)
		}
	}
}

// TestEntomb: a tombstone removes what stands before it in its partition.
func TestEntomb(t *testing.T) {
	event := [16]byte{3}
	r := &seen{partition: 1}
	s := &published{events: map[[16]byte]*seen{event: r}, strays: map[[16]byte]struct{}{}}
	s.entomb(event, 0)
	if _, strayed := s.strays[event]; r.dead || !strayed {
		t.Errorf("in another partition: dead %t, strayed %t", r.dead, strayed)
	}
	if s.entomb(event, 1); !r.dead {
		t.Error("in its partition it is not dead")
	}
	if p := (&stored{}); p.erasure("nobody") != nil || len(byKey(p.erased)) != 0 {
		t.Error("somebody is erased of tables of before")
	}
}
