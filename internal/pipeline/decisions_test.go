package pipeline_test

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealDecisionsKilled(t *testing.T) { t.Parallel(); testDecisionsKilled(t, stacktest.Real(t)) }
func TestDecisionsKilled(t *testing.T)     { t.Parallel(); testDecisionsKilled(t, stacktest.Embedded(t)) }

// testDecisionsKilled has people decide about badges that come and go meanwhile,
// and kills processes that fold. The oracle must agree, and a rebuild come out
// the same to the byte, decisions included.
func testDecisionsKilled(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	const rounds, each = 4, 1_000
	records := grouptest.Crowd(t, 61, 80, rounds*each)
	decisions := c.Decisions(61, records, rounds*100)
	procs := []*exec.Cmd{c.process(2, 41), c.process(2, 67)}
	for round := range rounds {
		for part := range 10 {
			from := round*each + part*each/10
			c.Produce(records[from : from+each/10]...)
			c.Produce(decisions[round*100+part*10 : round*100+part*10+10]...)
		}
		c.Published(ctx, int64(round*each+each/3))
		victim := round % 2
		c.kill(procs[victim])
		procs[victim] = c.process(2, 41+round)
	}
	c.Drain()
	for _, p := range procs {
		c.kill(p)
	}
	c.Verify()
	manual := 0
	for _, e := range c.Badges() {
		if e.Reason == schemas.ReasonManual {
			manual++
			if e.Cause.Topic != c.Config.Group+".control" || !e.Revoked && e.EarnedAt != e.Time {
				t.Errorf("a decision gave %+v", e)
			}
		} else if e.Cause.Topic != c.Config.ActivityTopic {
			t.Errorf("a record of the control topic gave %+v", e)
		}
	}
	if manual < 50 {
		t.Errorf("people's decisions gave %d badge events", manual)
	}
	r := c.rebuilder(ctx)
	_, err := r.Start(ctx, pipeline.Request{})
	c.do("start a rebuild", err)
	c.same(ctx, r)
}

func TestRealDecisionsByOtherRules(t *testing.T) {
	t.Parallel()
	testDecisionsByOtherRules(t, stacktest.Real(t))
}

func TestDecisionsByOtherRules(t *testing.T) {
	t.Parallel()
	testDecisionsByOtherRules(t, stacktest.Embedded(t))
}

// testDecisionsByOtherRules asks one place more for a badge. Who has just enough
// by the old rules loses it, but for whom it was granted; who has enough by both
// does without, as it was revoked.
func testDecisionsByOtherRules(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	for user, n := range map[string]int{"revoked": 8, "granted": 5, "loses": 5, "keeps": 8} {
		c.Produce(visits(n, user)...)
	}
	c.Drain()
	c.Produce(c.Decision("1", schemas.Decision{Verb: schemas.Grant, User: "granted", Badge: "explorer", By: "a moderator", Reason: "a fault was found"}),
		c.Decision("2", schemas.Decision{Verb: schemas.Revoke, User: "revoked", Badge: "explorer", By: "a moderator", Reason: "it was cheated"}))
	c.Drain()
	stop := c.Engine(ctx, 1, 0)
	defer stop()
	r := c.rebuilder(ctx)
	stricter := c.stricter()
	_, err := r.Start(ctx, pipeline.Request{Catalog: stricter})
	c.do("start a rebuild", err)
	c.followed(ctx, r)
	d, err := r.Diff(ctx, 3)
	c.do("compare", err)
	if len(d.Badges) != 1 || d.Badges["explorer"] == nil || d.Badges["explorer"].Lost != 1 || d.Badges["explorer"].Gained != 0 {
		t.Errorf("the difference: %+v", d.Badges)
	}
	before := len(c.Badges())
	c.switches(ctx, r, true, false)
	c.Until(ctx, "the switch is published", func() bool { return len(c.Badges()) > before })
	stop()
	c.Drain()
	all := c.Badges()
	if last := all[len(all)-1]; len(all) != before+1 || last.User != "loses" || !last.Revoked {
		t.Errorf("the switch gave %d badge events, the last %+v; want one, which takes explorer from who loses it", len(all)-before, last)
	}
	c.Catalog = stricter
	c.Verify()
}

func TestRealDecisionsWithoutEffect(t *testing.T) {
	t.Parallel()
	testDecisionsWithoutEffect(t, stacktest.Real(t))
}

func TestDecisionsWithoutEffect(t *testing.T) {
	t.Parallel()
	testDecisionsWithoutEffect(t, stacktest.Embedded(t))
}

// testDecisionsWithoutEffect takes a badge out of the rules, and wants the
// difference to name who was granted it, but not whom it was released of.
func testDecisionsWithoutEffect(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 1)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	for i, d := range []schemas.Decision{
		{Verb: schemas.Grant, User: "ada", Badge: "trusted-source"},
		{Verb: schemas.Grant, User: "ben", Badge: "trusted-source"},
		{Verb: schemas.Grant, User: "cleo", Badge: "explorer"},
		{Verb: schemas.Pin, User: "ben", Badge: "trusted-source"},
		{Verb: schemas.Release, User: "ada", Badge: "trusted-source"},
		{Verb: schemas.Unpin, User: "ben", Badge: "trusted-source"},
	} {
		d.By, d.Reason = "a moderator", "it was asked for"
		c.Produce(c.Decision(fmt.Sprint(i), d))
	}
	c.Drain()
	without := grouptest.Altered(t, c.Catalog.Text, "slug: trusted-source", "slug: trusted-voice")
	r := c.rebuilder(ctx)
	for rules, want := range map[*catalog.Catalog][]pipeline.DecisionSample{
		nil:     nil,
		without: {{Verb: schemas.Grant, User: "ben", Badge: "trusted-source", By: "a moderator", Record: c.Config.Group + ".control/0@1"}},
	} {
		_, err := r.Start(ctx, pipeline.Request{Catalog: rules})
		c.do("start a rebuild", err)
		d, err := r.Diff(ctx, 3)
		c.do("compare", err)
		if d.Decisions != int64(len(want)) || !slices.Equal(d.DecisionSamples, want) {
			t.Errorf("%d decisions are without effect: %+v, want %+v", d.Decisions, d.DecisionSamples, want)
		}
		_, err = r.Cancel(ctx)
		c.do("cancel", err)
	}
}
