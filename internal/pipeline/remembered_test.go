package pipeline_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
)

func TestRealForgottenOffsets(t *testing.T) { t.Parallel(); testForgottenOffsets(t, stacktest.Real(t)) }
func TestForgottenOffsets(t *testing.T)     { t.Parallel(); testForgottenOffsets(t, stacktest.Embedded(t)) }

// testForgottenOffsets sets the committed offset back to where it was two
// batches ago, as a coordinator does that lost what came after: nothing is
// published a second time, also where the last batch was not published yet.
func testForgottenOffsets(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 1)
	forget := func() {
		t.Helper()
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: c.Config.ActivityTopic, At: 5, LeaderEpoch: -1, Metadata: "step=0 ordinal=0"})
		c.do("commit an older offset", kadm.NewClient(c.Client).CommitAllOffsets(t.Context(), c.Config.Group, offsets))
	}
	for _, n := range []int{5, 3, 2} {
		c.Produce(visits(n, "u1")...)
		c.Drain()
	}
	forget()
	c.Drain()
	c.Produce(visits(1, "u2")...)
	c.Drain()
	c.Verify()
	c.Produce(visits(5, "u3")...)
	c.foldUnpublished(t.Context(), 0, 11, 16)
	forget()
	c.Drain()
	c.Verify()
}
