package drift_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/drift"
	"github.com/badgestream/badgestream/projections/snapshots"
)

func TestRealAfterASwitch(t *testing.T) { t.Parallel(); testAfterASwitch(t, stacktest.Real(t)) }
func TestAfterASwitch(t *testing.T)     { t.Parallel(); testAfterASwitch(t, stacktest.Embedded(t)) }

// testAfterASwitch wants nothing amiss once a rebuild is what readers see, whose
// versions stand above those of the rows; and what is changed by hand then, to
// be seen and mended as before.
func testAfterASwitch(t *testing.T, stack *stacktest.Stack) {
	g := folded(t, stack, "starview")
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	g.Rebuild(ctx, nil)
	g.Produce(anything(g.Catalog, 3, 300)...)
	g.Drain()
	if r := audit(t, config(g)); r.Err() != nil {
		t.Errorf("after the switch: %s", r)
	}

	key := snapshots.Key(g.Group, "u07")
	was, err := g.Rdb.Get(ctx, key).Result()
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(was, `"location_visits":`, `"location_visits":9`, 1)
	if err := g.Rdb.Set(ctx, key, changed, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if r := audit(t, config(g)); !slices.Contains(r.Failed(), drift.SnapshotsFollow) {
		t.Errorf("a snapshot's counter was changed, and %v fail", r.Failed())
	}
	if err := g.Rdb.Set(ctx, key, was, 0).Err(); err != nil {
		t.Fatal(err)
	}

	g.SQL(`UPDATE ` + g.Gen() + `.users SET location_visits = location_visits + 1, held = held[2:], earned_at = earned_at[2:] WHERE id = 'u07'`)
	cfg := config(g)
	cfg.Fix, cfg.Apply = true, true
	if r := audit(t, cfg); r.Err() == nil || len(r.Fixes) == 0 {
		t.Errorf("a row was changed, and nothing is mended: %s", r)
	}
	if r := audit(t, config(g)); r.Err() != nil {
		t.Errorf("once it is mended: %s", r)
	}
}
