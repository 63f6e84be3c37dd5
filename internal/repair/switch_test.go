package repair_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/operatortest"
)

func TestRealAfterASwitch(t *testing.T) { t.Parallel(); testAfterASwitch(t, stacktest.Real(t)) }
func TestAfterASwitch(t *testing.T)     { t.Parallel(); testAfterASwitch(t, stacktest.Embedded(t)) }

// testAfterASwitch wants nobody to need a repair once a rebuild is what readers
// see, by the same rules and by others that keep what they would not give; and
// what is changed by hand then, to be repaired as before.
func testAfterASwitch(t *testing.T, stack *stacktest.Stack) {
	g := folded(t, stack, "starview")
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	stricter := grouptest.Altered(t, g.Catalog.Text, "tier: 2\n        at_least: 5", "tier: 2\n        at_least: 9")
	for round, rules := range []*catalog.Catalog{nil, stricter} {
		g.Rebuild(ctx, rules)
		g.Produce(operatortest.Anything(g.Catalog, uint64(3+round), 300, noon, func(rng *rand.Rand) string { return fmt.Sprintf("u%02d", rng.IntN(40)) })...)
		g.Drain()
		if kept := operatortest.One[int](g, `SELECT count(*)::int FROM `+g.Base()+`.kept`); (kept > 0) != (rules != nil) {
			t.Errorf("%d badges are kept", kept)
		}
		for i := range 40 {
			if r := run(t, g, fmt.Sprintf("u%02d", i), false); !r.Right() {
				t.Errorf("after the switch, u%02d: %+v", i, r)
			}
		}
		whole := tables(g)
		g.SQL(`UPDATE ` + g.Gen() + `.users SET location_visits = location_visits + 7, held = held[2:], earned_at = earned_at[2:] WHERE id = 'u05'`)
		if r := run(t, g, "u05", true); !r.Repaired || tables(g) != whole {
			t.Errorf("u05 was changed, and then: %+v", r)
		}
	}
}
