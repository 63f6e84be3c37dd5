package pipeline_test

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealDecisionsKilled(t *testing.T) { t.Parallel(); testDecisionsKilled(t, stacktest.Real(t)) }
func TestDecisionsKilled(t *testing.T)     { t.Parallel(); testDecisionsKilled(t, stacktest.Embedded(t)) }

// testDecisionsKilled has people decide about badges that come and go meanwhile,
// and kills processes that fold. The oracle must agree, and a rebuild come out
// the same to the byte, decisions included. Then everybody's grant stands by
// other rules too, which know one badge less.
func testDecisionsKilled(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Second)
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
	_, err := r.Start(ctx, nil, 0)
	c.do("start a rebuild", err)
	c.same(ctx, r)
}
