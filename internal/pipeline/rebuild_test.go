package pipeline_test

import (
	"context"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/projections"
)

// rebuilder is what an operator's commands have.
func (c *community) rebuilder(ctx context.Context) *pipeline.Rebuilder {
	c.T.Helper()
	r, err := pipeline.OpenRebuilder(ctx, c.Config, c.Telemetry().Log)
	c.do("connect", err)
	c.T.Cleanup(r.Close)
	return r
}

// followed waits until the rebuild has caught up.
func (c *community) followed(ctx context.Context, r *pipeline.Rebuilder) {
	c.T.Helper()
	c.Until(ctx, "the rebuild has caught up", func() bool {
		s, err := r.Status(ctx)
		c.do("ask how far the rebuild is", err)
		if s.Trouble != "" {
			c.T.Fatal(s.Trouble)
		}
		return s.State == projections.Following
	})
}

// same wants a rebuild that differs in nothing.
func (c *community) same(ctx context.Context, r *pipeline.Rebuilder) *pipeline.Diff {
	c.T.Helper()
	d, err := r.Diff(ctx, 3)
	c.do("compare", err)
	if !d.Identical || len(d.Badges) > 0 || d.Users > 0 {
		c.T.Errorf("the rebuild differs: %+v", d)
	}
	for name, table := range d.Tables {
		if name != "clock" && name != "place" && table.LiveRows == 0 {
			c.T.Errorf("nothing was compared in table %s", name)
		}
	}
	return d
}

func TestRealRebuild(t *testing.T) { t.Parallel(); testRebuild(t, stacktest.Real(t)) }
func TestRebuild(t *testing.T)     { t.Parallel(); testRebuild(t, stacktest.Embedded(t)) }

// testRebuild rebuilds twice what several workers folded at the same time, and
// wants both to be the live rows and the live history, byte for byte: with
// badges that came and went, places, and what is no event.
func testRebuild(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	records := grouptest.Crowd(t, 41, 150, 8_000)
	first, second := c.Engine(ctx, 2, 97), c.Engine(ctx, 2, 53)
	c.Produce(records[:6_000]...)
	c.Published(ctx, 5_000)
	r := c.rebuilder(ctx)
	_, err := r.Start(ctx, pipeline.Request{})
	c.do("start a rebuild", err)
	c.Produce(records[6_000:]...)
	c.followed(ctx, r)
	once := c.same(ctx, r)
	c.Published(ctx, int64(len(records)))
	first()
	second()
	c.Drain()
	all := c.same(ctx, r)
	if all.Offsets[c.Config.ActivityTopic+"/0"] <= once.Offsets[c.Config.ActivityTopic+"/0"]-1 {
		t.Errorf("compared at %v and then at %v", once.Offsets, all.Offsets)
	}
	c.Verify()
	if _, err := r.Cancel(ctx); err != nil {
		t.Fatal(err)
	}
	_, err = r.Start(ctx, pipeline.Request{})
	c.do("start another rebuild", err)
	again := c.same(ctx, r)
	for name, table := range again.Tables {
		if table.Beside != all.Tables[name].Beside {
			t.Errorf("two rebuilds differ in table %s", name)
		}
	}
}
