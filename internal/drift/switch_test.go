package drift_test

import (
	"context"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/telemetry"
)

func TestRealAfterASwitch(t *testing.T) { t.Parallel(); testAfterASwitch(t, stacktest.Real(t)) }
func TestAfterASwitch(t *testing.T)     { t.Parallel(); testAfterASwitch(t, stacktest.Embedded(t)) }

// testAfterASwitch wants nothing amiss once a rebuild is what readers see:
// versions then stand above those of the rows.
func testAfterASwitch(t *testing.T, stack *stacktest.Stack) {
	g := folded(t, stack, "starview")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	r, err := pipeline.OpenRebuilder(ctx, g.Config, telemetry.Discard().Log)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Start(ctx, nil, 0); err != nil {
		t.Fatal(err)
	}
	if d, err := r.Diff(ctx, 1); err != nil || !d.Identical {
		t.Fatalf("the rebuild: %+v, %v", d, err)
	}
	stop := g.Run(ctx)
	if _, err := r.Switch(ctx, false, false); err != nil {
		t.Fatal(err)
	}
	g.Produce(anything(g.Catalog, 3, 300)...)
	stop()
	g.Drain()
	if r := audit(t, config(g)); r.Err() != nil {
		t.Errorf("after the switch: %s", r)
	}
}
