package pipeline_test

import (
	"context"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
)

// testRefreshFollows has another process raise the epoch while this one has
// nothing to fold, and Redis lose everything: what this one writes anew must
// stand in the new epoch, or the other's snapshots and its own would differ in
// which is newer.
func testRefreshFollows(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 1)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	stop := c.Engine(ctx, 1, 0)
	defer stop()
	c.Produce(visits(3, "u1")...)
	c.Published(ctx, 3)
	store, err := projections.Open(ctx, c.Config.Postgres, c.Config.Group)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.RaiseEpoch(ctx, 7); err != nil {
		t.Fatal(err)
	}
	rdb := c.redis()
	if err := rdb.FlushDB(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	var text string
	c.Until(ctx, "the snapshot is back", func() bool {
		text, err = rdb.Get(ctx, snapshots.Key(c.Config.Group, "u1")).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		return err == nil
	})
	if !strings.Contains(text, `"epoch":7,`) {
		t.Errorf("the snapshot that was written anew is %s, want one of epoch 7", text)
	}
}

func TestRealRefreshFollows(t *testing.T) { t.Parallel(); testRefreshFollows(t, stacktest.Real(t)) }

func TestRefreshFollows(t *testing.T) { t.Parallel(); testRefreshFollows(t, stacktest.Embedded(t)) }
