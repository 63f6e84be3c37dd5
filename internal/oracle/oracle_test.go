package oracle_test

import (
	"context"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/oracle"
)

func TestRealAudit(t *testing.T) { t.Parallel(); testAudit(t, stacktest.Real(t)) }
func TestAudit(t *testing.T)     { t.Parallel(); testAudit(t, stacktest.Embedded(t)) }

// testAudit folds with engines that come and go, audits while they run and
// once all is done, at once and in passes, and wants every check to hold and
// to have had something to look at.
func testAudit(t *testing.T, stack *stacktest.Stack) {
	g := found(t, stack, grouptest.Catalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	g.Config.Batch = 61
	records := grouptest.Crowd(t, 7, 150, 6_000)
	stop := g.Engine(ctx, 2, 97)
	g.Produce(records[:3_000]...)
	g.Produce(g.Decisions(7, records, 100)...)
	g.Erase(ctx, 3)
	live := g.AuditConfig()
	live.Settled, live.Passes = false, 2
	if err := g.Audit(live).Err(); err != nil {
		t.Errorf("while it runs: %v\n%s", err, g.Audit(live))
	}
	g.Produce(records[3_000:]...)
	stop()
	g.Drain()
	whole := g.Audit(g.AuditConfig())
	t.Logf("\n%s", whole)
	if err := whole.Err(); err != nil {
		t.Error(err)
	}
	for _, c := range whole.Checks {
		if c.Looked == 0 && c.Name != oracle.TicksWhole && c.Name != oracle.NothingTorn {
			t.Errorf("%s looked at nothing", c.Name)
		}
	}
	cfg := g.AuditConfig()
	cfg.Passes = 3
	parts := g.Audit(cfg)
	if err := parts.Err(); err != nil {
		t.Errorf("in passes: %v\n%s", err, parts)
	}
	for i, c := range whole.Checks {
		if parts.Checks[i].Looked != c.Looked {
			t.Errorf("%s looked at %d in passes, and at %d at once", c.Name, parts.Checks[i].Looked, c.Looked)
		}
	}
	if whole.Users != parts.Users || whole.Changes != parts.Changes {
		t.Errorf("%d users and %d changes in passes, %d and %d at once", parts.Users, parts.Changes, whole.Users, whole.Changes)
	}
}
