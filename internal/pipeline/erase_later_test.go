package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/erasure"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
)

// erase erases users, and waits until nothing is left of them. An engine must
// run.
func (c *community) erase(ctx context.Context, store *projections.Store, users ...string) {
	c.T.Helper()
	_, _, err := erasure.Erase(ctx, store, c.Config.Brokers, users, "a moderator", "they asked for it", 0)
	c.do("erase", err)
	c.gone(ctx, store, users...)
}

func (c *community) store(ctx context.Context) *projections.Store {
	c.T.Helper()
	store, err := projections.Open(ctx, c.Config.Postgres, c.Config.Group)
	c.do("open the store", err)
	c.T.Cleanup(store.Close)
	return store
}

func TestRealErasedByOtherRules(t *testing.T) {
	t.Parallel()
	testErasedByOtherRules(t, stacktest.Real(t))
}
func TestErasedByOtherRules(t *testing.T) {
	t.Parallel()
	testErasedByOtherRules(t, stacktest.Embedded(t))
}

// testErasedByOtherRules erases one user before a rebuild, and one while it
// follows, right before the switch. The rules ask for one place more: who has just enough loses a badge,
// and nothing is told of who was erased, there or on the way back.
func testErasedByOtherRules(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	store := c.store(ctx)
	for _, user := range []string{"before", "meanwhile", "loses"} {
		c.Produce(visits(5, user)...)
	}
	c.Drain()
	stop := c.Engine(ctx, 1, 0)
	defer stop()
	c.erase(ctx, store, "before")
	r := c.rebuilder(ctx)
	stricter := c.stricter()
	_, err := r.Start(ctx, pipeline.Request{Catalog: stricter})
	c.do("start a rebuild", err)
	c.followed(ctx, r)
	before, switched := len(c.Badges()), make(chan error, 1)
	// While nobody can remove what is left of him, the switch must wait.
	c.do("hold what is left", store.Alone(ctx, "erase", func() error {
		_, _, err := erasure.Erase(ctx, store, c.Config.Brokers, []string{"meanwhile"}, "a moderator", "he asked for it", 0)
		c.do("erase", err)
		go func() {
			_, err := r.Switch(ctx, true, false)
			switched <- err
		}()
		c.Until(ctx, "the switch is met", func() bool {
			met, err := store.Switches(ctx)
			c.do("look for the switch", err)
			return len(met) > 0
		})
		for n := range int64(10) { // a switch that does not wait is done by then
			c.Produce(visits(1, fmt.Sprint("later", n))...)
			c.Published(ctx, 16+n)
		}
		return nil
	}))
	c.do("switch", <-switched)
	c.Until(ctx, "the switch is published", func() bool { return len(c.Badges()) > before })
	c.switches(ctx, r, true, true)
	c.Until(ctx, "the way back is published", func() bool { return len(c.Badges()) > before+1 })
	stop()
	c.Drain()
	told := 0
	for _, e := range c.Badges() {
		if e.Cause.Topic == c.Config.Group+".control" {
			if told++; e.User != "loses" || e.Badge != "explorer" {
				t.Errorf("a switch told %+v", e)
			}
		}
	}
	if told != 2 {
		t.Errorf("two switches told %d things", told)
	}
	c.gone(ctx, store, "before", "meanwhile")
	c.Verify()
}

func TestRealErasedRestored(t *testing.T) { t.Parallel(); testErasedRestored(t, stacktest.Real(t)) }
func TestErasedRestored(t *testing.T)     { t.Parallel(); testErasedRestored(t, stacktest.Embedded(t)) }

// testErasedRestored goes back to a copy of the database of before users were
// erased, which knows neither of that nor whom it was about, and wants them to be
// gone again, and all else as it was published.
func testErasedRestored(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	records := grouptest.Crowd(t, 29, 60, 3_000)
	c.Config.Batch = 61
	c.Produce(records[:1_000]...)
	c.Drain()
	backup := c.backup(ctx, "before")
	users := c.Holders(ctx, 3)
	stop := c.Engine(ctx, 2, 61)
	c.erase(ctx, c.store(ctx), users...)
	stop()
	c.Produce(records[1_000:2_000]...)
	c.Drain()
	c.Verify()
	c.Config.Postgres = backup
	c.Drain()
	stop = c.Engine(ctx, 2, 61)
	store := c.store(ctx)
	c.gone(ctx, store, users...)
	stop()
	c.Produce(records[2_000:]...)
	c.Drain()
	c.Verify()
}

func TestRealErasedFromOldRedis(t *testing.T) {
	t.Parallel()
	testErasedFromOldRedis(t, stacktest.Real(t))
}
func TestErasedFromOldRedis(t *testing.T) {
	t.Parallel()
	testErasedFromOldRedis(t, stacktest.Embedded(t))
}

// testErasedFromOldRedis has Redis come back with what it held before a user was
// erased.
func testErasedFromOldRedis(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 1)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	c.Produce(slices.Concat(visits(5, "gone"), visits(5, "stays"))...)
	c.Drain()
	rdb := c.redis()
	key, marker := snapshots.Key(c.Config.Group, "gone"), c.Config.Group+":marker"
	old, err := rdb.Get(ctx, key).Result()
	c.do("read a snapshot", err)
	marks, err := rdb.HGetAll(ctx, marker).Result()
	c.do("read the marker", err)
	stop := c.Engine(ctx, 1, 0)
	store := c.store(ctx)
	c.erase(ctx, store, "gone")
	c.Produce(visits(1, "later")...)
	c.Published(ctx, 11)
	stop()
	c.do("bring back a snapshot", rdb.Set(ctx, key, old, 0).Err())
	c.do("bring back the marker", rdb.HSet(ctx, marker, marks).Err())
	stop = c.Engine(ctx, 1, 0)
	defer stop()
	c.Until(ctx, "the snapshot is gone again", func() bool {
		text, err := rdb.Get(ctx, key).Result()
		c.do("read the snapshot", err)
		return text != old
	})
	c.gone(ctx, store, "gone")
}
