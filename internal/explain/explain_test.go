package explain_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/explain"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/operatortest"
)

var noon = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

// story is what three users do, in one partition.
func story(g *operatortest.Group) []*kgo.Record {
	at := func(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }
	visit := func(n int) *kgo.Record {
		return operatortest.Event(fmt.Sprintf("v%d", n), "starview.location.visited", "ada", at(n), fmt.Sprintf(`{"location":"L%d"}`, n))
	}
	vote := func(id, voter, value string, minute int) *kgo.Record {
		return operatortest.Event(id, "starview.vote.cast", voter, at(minute), `{"review":"R1","author":"ada","value":"`+value+`"}`)
	}
	list := []*kgo.Record{visit(1), visit(2), visit(3), visit(4)}
	list = append(list,
		visit(2), // a duplicate
		operatortest.Event("w", "starview.location.visited", "ada", at(5), `{"location":"L3"}`), // visited before
		&kgo.Record{Key: []byte("ada"), Value: []byte(`{"specversion":"1.0","id":"x"`), Headers: grouptest.Structured()},
		operatortest.Event("o", "starview.orbit.entered", "ada", at(6), `{}`), // a type that nobody knows
		visit(7), // the fifth location
		operatortest.Event("r", "starview.review.created", "ada", at(8), `{"review":"R1","location":"L1","location_owner":"ada","rating":5}`),
		vote("self", "ada", "up", 9),
		vote("up1", "bob", "up", 10),
		vote("down1", "cid", "down", 4), // late
		operatortest.Event("u", "starview.location.unvisited", "ada", at(11), `{"location":"L7"}`),
		operatortest.Event("s", "starview.vote.cast", "ada", at(12), `{"review":"R9","author":"bob","value":"up"}`),
		operatortest.Event("b", "starview.vote.cast", "bob", at(12), `{"review":"R8","author":"starview","value":"up"}`),
		operatortest.Event("y", "starview.location.visited", "starview", at(13), `{"location":"L1"}`),
	)
	for _, r := range list {
		r.Key = []byte("one partition")
	}
	list[6].Key = []byte("ada")
	return list
}

func TestRealStory(t *testing.T) { t.Parallel(); testStory(t, stacktest.Real(t)) }
func TestStory(t *testing.T)     { t.Parallel(); testStory(t, stacktest.Embedded(t)) }

// testStory wants of a story that was made up by hand what a person would say.
func testStory(t *testing.T, stack *stacktest.Stack) {
	g := operatortest.Found(t, stack, "starview", 1)
	g.Produce(story(g)...)
	g.Drain()

	e, err := explain.Explain(t.Context(), g.Store, "ada", "")
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Badges) != 27 || e.Counters["location_visits"] != 4 || e.Counters["votes_received"] != 2 || e.Counters["upvotes_received"] != 1 {
		t.Errorf("%d badges, counters %v", len(e.Badges), e.Counters)
	}
	first := badge(t, e, "first-light")
	if first.State != explain.Held || first.EarnedAt != "2024-03-01T12:01:00.000Z" || first.Awarded.Event.ID != "v1" || first.Awarded.Event.Offset != 0 ||
		first.Awarded.Counters[0].Value != 1 || first.Awarded.UserVersion != 1 || first.Awarded.CatalogVersion != 1 || first.Awards != 1 || first.Revoked != nil {
		t.Errorf("first-light is %+v, awarded %+v", first, first.Awarded)
	}
	// The fifth location was visited by event v7, and left by event u: 4 of 5.
	explorer := badge(t, e, "explorer")
	if explorer.State != explain.Lost || explorer.Awarded.Event.ID != "v7" || explorer.Awarded.Event.Offset != 8 || explorer.Awarded.Time != "2024-03-01T12:07:00.000Z" ||
		explorer.Revoked.Event.ID != "u" || explorer.Revoked.Counters[0].Value != 4 || explorer.Revoked.Conditions[0].Met || explorer.Awards != 1 || explorer.Revocations != 1 {
		t.Errorf("explorer is %+v, awarded %+v, revoked %+v", explorer, explorer.Awarded, explorer.Revoked)
	}
	if c := explorer.Conditions[0]; c.Met || c.Value != "4" || c.AtLeast != "5" || c.Missing != "1" || len(c.Feeds) != 4 {
		t.Errorf("explorer needs %+v", c)
	}
	far := badge(t, e, "cosmic-voyager")
	if c := far.Conditions[0]; far.State != explain.NotYet || c.Missing != "96" || far.Awarded != nil {
		t.Errorf("cosmic-voyager is %+v", far)
	}
	// Of two votes one is up: 50 %, and each of these badges needs more.
	for i := range e.Badges {
		for _, c := range e.Badges[i].Conditions {
			if c.Label == "helpful_ratio" && (c.Value != "50" || c.Met || *c.Part != 1 || *c.Whole != 2 || c.Missing != "1" || len(c.Wholes) == 0) {
				t.Errorf("%s needs %+v", e.Badges[i].Slug, c)
			}
		}
	}

	if err := e.AddTrace(t.Context(), g.Store, g.Brokers); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range e.Trace.Events {
		ev := &e.Trace.Events[i]
		line := fmt.Sprintf("%s %s", ev.ID, ev.Verdict)
		for _, c := range ev.Counters {
			line += fmt.Sprintf(" %s %d→%d", c.Counter, c.Before, c.After)
		}
		for _, b := range ev.Badges {
			line += fmt.Sprintf(" %s %v", b.Badge, !b.Revoked)
		}
		if ev.Late {
			line += " late"
		}
		got = append(got, line)
	}
	want := []string{
		"v1 counted location_visits 0→1 first-light true", "v2 counted location_visits 1→2", "v3 counted location_visits 2→3", "v4 counted location_visits 3→4",
		"v2 duplicate late", "w no-effect", " rejected", "o unknown-type", "v7 counted location_visits 4→5 explorer true",
		"r counted reviews_written 0→1", "self self-action",
		"up1 counted upvotes_received 0→1 votes_received 0→1", "down1 counted votes_received 1→2 late",
		"u counted location_visits 5→4 explorer false", "s for-others",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the trace is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(e.Trace.Differs) > 0 || len(e.Trace.Begins) > 0 || e.Trace.Records != int64(len(want)+2) {
		t.Errorf("the trace looked at %d records, begins %v, differs %v", e.Trace.Records, e.Trace.Begins, e.Trace.Differs)
	}

	testWhoIsNobody(t, g)
	testSystemAccount(t, g)
	testTamperedTrace(t, g)
}

func badge(t *testing.T, e *explain.Explanation, slug string) *explain.Badge {
	t.Helper()
	i := slices.IndexFunc(e.Badges, func(b explain.Badge) bool { return b.Slug == slug })
	if i < 0 {
		t.Fatalf("there is nothing of %s", slug)
	}
	return &e.Badges[i]
}

func testWhoIsNobody(t *testing.T, g *operatortest.Group) {
	for _, tc := range []struct{ user, badge, want string }{
		{"adda", "", `did you mean "ada"?`},
		{"zoe", "", `there is no user "zoe"`},
		{"\x00", "", "there is no user"},
		{"ada", "explorr", "did you mean explorer?"},
		{"ada", "qqqqqqqqqqqqqqqqqqq", "there are first-light, "},
	} {
		_, err := explain.Explain(t.Context(), g.Store, tc.user, tc.badge)
		var nobody *explain.NotFoundError
		if !errors.As(err, &nobody) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q, %q: %v, want %q", tc.user, tc.badge, err, tc.want)
		}
	}
}

func testSystemAccount(t *testing.T, g *operatortest.Group) {
	e, err := explain.Explain(t.Context(), g.Store, "starview", "explorer")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.AddTrace(t.Context(), g.Store, g.Brokers); err != nil {
		t.Fatal(err)
	}
	var got []explain.Verdict
	for _, ev := range e.Trace.Events {
		got = append(got, ev.Verdict)
	}
	if !e.System || !strings.Contains(e.Badges[0].Never, "system account") || !slices.Equal(got, []explain.Verdict{explain.SystemAccount, explain.SystemAccount}) {
		t.Errorf("the system account is %+v, its events %v", e, got)
	}
}

// testTamperedTrace changes a row by hand, which the trace must not hide.
func testTamperedTrace(t *testing.T, g *operatortest.Group) {
	g.SQL(`UPDATE ` + g.Gen() + `.users SET location_visits = location_visits + 1 WHERE id = 'ada'`)
	e, err := explain.Explain(t.Context(), g.Store, "ada", "explorer")
	if err == nil {
		err = e.AddTrace(t.Context(), g.Store, g.Brokers)
	}
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"location_visits is 5 in the row, and 4 by the log"}; !slices.Equal(e.Trace.Differs, want) {
		t.Errorf("the trace says %q, want %q", e.Trace.Differs, want)
	}
}

func TestFirstAndAge(t *testing.T)     { t.Parallel(); testFirstAndAge(t, stacktest.Embedded(t)) }
func TestRealFirstAndAge(t *testing.T) { t.Parallel(); testFirstAndAge(t, stacktest.Real(t)) }

// testFirstAndAge wants the answers that depend on everybody and on the clock.
func testFirstAndAge(t *testing.T, stack *stacktest.Stack) {
	g := operatortest.Found(t, stack, "stride", 1)
	for i := range 12 {
		g.Produce(operatortest.Event(fmt.Sprintf("up%d", i), "stride.runner.upgraded", fmt.Sprintf("r%02d", i), noon, `{}`))
	}
	g.Produce(operatortest.Event("join", "stride.runner.joined", "r00", noon, `{}`))
	g.Drain()
	slug := ageBadge(t, g.Catalog)
	e := explained(t, g, "r00")
	if b := badge(t, e, slug); !strings.Contains(b.Never, "no tick") || b.Conditions[0].Since != "2024-03-01T12:00:00.000Z" {
		t.Errorf("before a tick, %s is %+v", slug, b)
	}
	g.Produce(g.Tick(noon.AddDate(0, 0, 3)))
	g.Drain()
	e = explained(t, g, "r00")
	if b := badge(t, e, slug); b.Never != "" || b.Conditions[0].Value != "3" {
		t.Errorf("after three days, %s is %+v", slug, b)
	}
	if b := badge(t, e, "founder"); b.State != explain.Held {
		t.Errorf("the first founder is %+v", b)
	}
	if b := badge(t, explained(t, g, "r09"), "founder"); b.State != explain.Held {
		t.Errorf("the tenth founder is %+v", b)
	}
	late, err := explain.Explain(t.Context(), g.Store, "r10", "founder")
	var nobody *explain.NotFoundError
	if !errors.As(err, &nobody) {
		t.Errorf("who only came too late has no row, and is explained as %+v, %v", late, err)
	}
	g.Produce(operatortest.Event("p", "stride.points.earned", "r10", noon, `{"points":3}`))
	g.Drain()
	if b := badge(t, explained(t, g, "r10"), "founder"); b.State != explain.NotYet || !strings.Contains(b.Never, "all 10 places of founder are taken") {
		t.Errorf("the eleventh founder is %+v", b)
	}
}

func explained(t *testing.T, g *operatortest.Group, user string) *explain.Explanation {
	t.Helper()
	e, err := explain.Explain(t.Context(), g.Store, user, "")
	if err == nil {
		err = e.AddTrace(t.Context(), g.Store, g.Brokers)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Trace.Differs) > 0 {
		t.Errorf("%s: the row is not what the log gives: %v", user, e.Trace.Differs)
	}
	return e
}

// ageBadge is a badge that depends on nothing but an age.
func ageBadge(t *testing.T, cat *catalog.Catalog) string {
	t.Helper()
	for _, b := range cat.Badges {
		if len(b.All) == 1 && cat.Counters[b.All[0].Counter].Kind == catalog.Since {
			return b.Slug
		}
	}
	t.Fatal("no badge depends on an age alone")
	return ""
}
