package pipeline_test

import (
	"context"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/twmb/franz-go/pkg/kadm"
)

func TestRealRebuildRefused(t *testing.T) { testRebuildRefused(t, stacktest.Real) }
func TestRebuildRefused(t *testing.T)     { testRebuildRefused(t, stacktest.Embedded) }

// testRebuildRefused asks for rebuilds that could not give the right rows, and
// for what there is not, and wants a reason and nothing begun.
func testRebuildRefused(t *testing.T, servers func(testing.TB) *stacktest.Stack) {
	for _, tc := range []struct {
		name string
		do   func(ctx context.Context, c *community, adm *kadm.Client, r *pipeline.Rebuilder)
		ask  func(ctx context.Context, r *pipeline.Rebuilder) error
		want string
	}{
		{"compacted", func(ctx context.Context, c *community, adm *kadm.Client, _ *pipeline.Rebuilder) {
			c.configure(ctx, adm, c.Config.ActivityTopic, "cleanup.policy", "compact")
		}, start, "is compacted"},
		{"log start lost", func(ctx context.Context, c *community, adm *kadm.Client, _ *pipeline.Rebuilder) {
			c.deleteRecords(ctx, adm)
		}, start, "was folded from offset 0 on, and its log now begins at 5"},
		{"more partitions", without(addPartitions), start, "had 1 partitions when folding began and has 3 now"},
		{"topic made anew", without(remakeActivity), start, "was deleted and created again"},
		{"another in progress", func(ctx context.Context, c *community, _ *kadm.Client, r *pipeline.Rebuilder) {
			c.do("start the first", start(ctx, r))
		}, start, "generation 2 is building"},
		{"switch to none", nothing, func(ctx context.Context, r *pipeline.Rebuilder) error {
			_, err := r.Switch(ctx, false, false)
			return err
		}, "no generation is folded beside the live one"},
		{"switch before it has caught up", func(ctx context.Context, c *community, _ *kadm.Client, r *pipeline.Rebuilder) {
			c.do("start", start(ctx, r))
		}, func(ctx context.Context, r *pipeline.Rebuilder) error {
			_, err := r.Switch(ctx, false, false)
			return err
		}, "has not caught up yet"},
		{"rollback before any switch", func(ctx context.Context, c *community, _ *kadm.Client, r *pipeline.Rebuilder) {
			c.do("start", start(ctx, r))
		}, func(ctx context.Context, r *pipeline.Rebuilder) error {
			_, err := r.Switch(ctx, false, true)
			return err
		}, "was never live"},
		{"retire before any switch", func(ctx context.Context, c *community, _ *kadm.Client, r *pipeline.Rebuilder) {
			c.do("start", start(ctx, r))
		}, func(ctx context.Context, r *pipeline.Rebuilder) error {
			_, err := r.Retire(ctx)
			return err
		}, "was never live"},
		{"cancel nothing", nothing, func(ctx context.Context, r *pipeline.Rebuilder) error {
			_, err := r.Cancel(ctx)
			return err
		}, "no generation is folded beside the live one"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := found(t, servers(t), grouptest.Catalog(t, "starview"), 1)
			ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
			defer cancel()
			c.Produce(visits(5, "u1")...)
			c.Drain()
			r := c.rebuilder(ctx)
			tc.do(ctx, c, kadm.NewClient(c.Client), r)
			if err := tc.ask(ctx, r); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the answer is %v, and should say %q", err, tc.want)
			}
		})
	}
}

func start(ctx context.Context, r *pipeline.Rebuilder) error {
	_, err := r.Start(ctx, pipeline.Request{})
	return err
}

// without leaves the operator out of what is done to the servers.
func without(do func(context.Context, *community, *kadm.Client)) func(context.Context, *community, *kadm.Client, *pipeline.Rebuilder) {
	return func(ctx context.Context, c *community, adm *kadm.Client, _ *pipeline.Rebuilder) { do(ctx, c, adm) }
}

func nothing(context.Context, *community, *kadm.Client, *pipeline.Rebuilder) {}
