package explain_test

import (
	"context"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/explain"
	"github.com/badgestream/badgestream/internal/operatortest"
)

func TestRealAfterASwitch(t *testing.T) { t.Parallel(); testAfterASwitch(t, stacktest.Real(t)) }
func TestAfterASwitch(t *testing.T)     { t.Parallel(); testAfterASwitch(t, stacktest.Embedded(t)) }

// testAfterASwitch wants the same story once a rebuild is what readers see.
func testAfterASwitch(t *testing.T, stack *stacktest.Stack) {
	g := operatortest.Found(t, stack, "starview", 1)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	g.Produce(story(g)...)
	g.Drain()
	g.Rebuild(ctx, nil)
	e, err := explain.Explain(ctx, g.Store, "ada", "")
	if err != nil {
		t.Fatal(err)
	}
	first := badge(t, e, "first-light")
	if first.State != explain.Held || first.Awarded == nil || first.Awarded.Event.ID != "v1" || first.Awards != 1 || e.Counters["location_visits"] != 4 {
		t.Errorf("first-light is %+v, awarded %+v, counters %v", first, first.Awarded, e.Counters)
	}
}
