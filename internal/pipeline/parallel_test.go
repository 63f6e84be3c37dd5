package pipeline_test

import (
	"context"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
)

func TestRealParallel(t *testing.T) { t.Parallel(); testParallel(t, stacktest.Real(t)) }
func TestParallel(t *testing.T)     { t.Parallel(); testParallel(t, stacktest.Embedded(t)) }

// testParallel lets several workers of several engines fold, some of which
// come and go, and then wants the ledger, folded one range at a time, to give
// the same history.
func testParallel(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	records := grouptest.Crowd(t, 7, 150, 12_000)
	first := c.Engine(ctx, 2, 97)
	c.Produce(records[:3_000]...)
	c.Published(ctx, 1_000)
	second := c.Engine(ctx, 2, 53)
	c.Produce(records[3_000:6_000]...)
	c.Published(ctx, 4_000)
	first()
	third := c.Engine(ctx, 1, 31)
	c.Produce(records[6_000:9_000]...)
	c.Published(ctx, 7_000)
	second()
	c.Produce(records[9_000:]...)
	c.Drain()
	third()
	c.Verify()
}
