package pipeline_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/erasure"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/projections"
)

func TestRealRebuildFromBase(t *testing.T) { t.Parallel(); testRebuildFromBase(t, stacktest.Real(t)) }
func TestRebuildFromBase(t *testing.T)     { t.Parallel(); testRebuildFromBase(t, stacktest.Embedded(t)) }

// testRebuildFromBase takes bases while several workers fold, erases users of
// whom they have rows, and rebuilds from a base with processes that are killed:
// it must come out as what readers see, to the byte, and go on after a switch,
// also when the log has lost what was before the base.
func testRebuildFromBase(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Altered(t, grouptest.Catalog(t, "starview").Text, "window: 100000", "window: 50"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	records := grouptest.Crowd(t, 83, 120, 8_000)
	first, second := c.process(2, 61), c.process(1, 43)
	r, store := c.rebuilder(ctx), c.store(ctx)
	c.Produce(records[:4_000]...)
	c.Published(ctx, 500)
	before := c.takeBase(ctx, r)
	holders := c.Holders(ctx, 9)
	c.erase(ctx, store, holders[:3]...)
	c.givenUp(ctx, r, before)
	if err := startFrom(ctx, r, before); err == nil || !strings.Contains(err.Error(), "users were erased") {
		t.Errorf("a rebuild begins with a base that was given up: %v", err)
	}
	c.Published(ctx, 1_500)
	base := c.takeBase(ctx, r)
	c.Produce(visits(1, "newcomer")...)
	c.Published(ctx, 4_001)
	c.erase(ctx, store, "newcomer")
	c.Produce(records[4_000:6_000]...)
	// A rebuild that has the rows of its base has those of who is erased then.
	_, err := r.Start(ctx, pipeline.Request{From: pipeline.From{Base: true, Number: base}, MaxRate: 2_000})
	c.do("start a rebuild", err)
	c.Until(ctx, "the rebuild has the rows of its base", func() bool {
		gen, err := store.Beside(ctx)
		c.do("look at the rebuild", err)
		return gen.BaseTaken
	})
	_, _, err = erasure.Erase(ctx, store, c.Config.Brokers, holders[3:6], "a moderator", "they asked for it", 0)
	c.do("erase", err)
	c.Until(ctx, "the base is given up", func() bool {
		list, err := r.Bases(ctx)
		c.do("list the bases", err)
		return len(list) == 0
	})
	c.givenUp(ctx, r, base)
	for range 3 {
		c.lasts(ctx, 150*time.Millisecond)
		c.kill(first)
		first = c.process(2, 61)
	}
	c.followed(ctx, r)
	c.Until(ctx, "nothing is left of who was erased", func() bool {
		unswept, err := store.Unswept(ctx)
		c.do("look what is left", err)
		return !unswept
	})
	c.same(ctx, r)
	c.gone(ctx, store, append(holders[:6:6], "newcomer")...)
	c.switches(ctx, r, false, false)
	c.Produce(records[6_000:7_000]...)
	c.followed(ctx, r)
	c.same(ctx, r)
	base = c.takeBase(ctx, r)
	c.Published(ctx, 7_001)
	c.kill(first)
	c.kill(second)
	c.Drain()
	c.Verify()
	_, err = r.Retire(ctx)
	c.do("retire", err)

	c.Produce(records[7_000:]...)
	c.Drain()
	c.forget(ctx, base, 50)
	if err := start(ctx, r); err == nil || !strings.Contains(err.Error(), "rebuild base list") {
		t.Errorf("without its beginning the log is folded: %v", err)
	}
	_, err = r.Start(ctx, pipeline.Request{From: pipeline.From{Base: true}})
	c.do("start a rebuild", err)
	c.same(ctx, r)
	_, err = r.Cancel(ctx)
	c.do("cancel", err)
	c.forget(ctx, base, 0)
	if err := startFrom(ctx, r, base); err == nil || !strings.Contains(err.Error(), "its log now begins at") {
		t.Errorf("a base is begun with, though what tells its duplicates is gone: %v", err)
	}
	c.do("drop a base", r.DropBase(ctx, base))
	if list, err := r.Bases(ctx); err != nil || len(list) > 0 {
		t.Errorf("after it was dropped there are bases %v, %v", list, err)
	}
}

func (c *community) takeBase(ctx context.Context, r *pipeline.Rebuilder) int32 {
	c.T.Helper()
	b, err := r.TakeBase(ctx)
	c.do("take a base", err)
	return b.Number
}

func startFrom(ctx context.Context, r *pipeline.Rebuilder, base int32) error {
	_, err := r.Start(ctx, pipeline.Request{From: pipeline.From{Base: true, Number: base}})
	return err
}

// givenUp wants a base to be no more that had rows of who was erased after it.
// What these got between it and their erasure took numbers of others' changes:
// a rebuild that lacks their rows would give others.
func (c *community) givenUp(ctx context.Context, r *pipeline.Rebuilder, base int32) {
	c.T.Helper()
	if err := r.DropBase(ctx, base); err == nil || !strings.Contains(err.Error(), "users were erased") {
		c.T.Errorf("base %d is there, though users were erased who had rows in it: %v", base, err)
	}
	list, err := r.Bases(ctx)
	c.do("list the bases", err)
	for _, b := range list {
		if b.Number == base {
			c.T.Errorf("base %d is listed, though it was given up", base)
		}
	}
}

// forget deletes the log up to a base, but for so many records before it.
func (c *community) forget(ctx context.Context, number int32, keep int64) {
	c.T.Helper()
	b, err := c.store(ctx).Base(ctx, number)
	c.do("read the base", err)
	before := kadm.Offsets{}
	for _, o := range b.Offsets {
		if o.Topic == c.Config.ActivityTopic {
			before.AddOffset(o.Topic, o.Partition, max(0, o.Offset-keep), -1)
		}
	}
	_, err = kadm.NewClient(c.Client).DeleteRecords(ctx, before)
	c.do("delete records", err)
}

func TestRealRebuildFromOffsets(t *testing.T) {
	t.Parallel()
	testRebuildFromOffsets(t, stacktest.Real(t))
}
func TestRebuildFromOffsets(t *testing.T) {
	t.Parallel()
	testRebuildFromOffsets(t, stacktest.Embedded(t))
}

// testRebuildFromOffsets folds a log from where its operator says: what stands
// before counts for nothing, but as what others are duplicates of.
func testRebuildFromOffsets(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 1)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	early, late := visits(6, "early"), visits(4, "late")
	c.Produce(append(append(early, late...), early[5])...)
	c.Drain()
	r := c.rebuilder(ctx)
	from := func(partition int32, offset int64) pipeline.Request {
		return pipeline.Request{From: pipeline.From{Offsets: map[projections.TopicPartition]int64{{Topic: c.Config.ActivityTopic, Partition: partition}: offset}}}
	}
	for _, refused := range []struct {
		req  pipeline.Request
		want string
	}{
		{from(0, 12), "from offset 0 up to 11"},
		{from(3, 0), "folds no partition"},
		{pipeline.Request{From: pipeline.From{Base: true}}, "no such base"},
	} {
		if _, err := r.Start(ctx, refused.req); err == nil || !strings.Contains(err.Error(), refused.want) {
			t.Errorf("the answer is %v, and should say %q", err, refused.want)
		}
	}
	_, err := r.Start(ctx, from(0, 6))
	c.do("start a rebuild", err)
	d, err := r.Diff(ctx, 5)
	c.do("compare", err)
	if d.Identical || d.Tables["users"].LiveRows != 2 || d.Tables["users"].BesideRows != 1 || d.Users != 1 {
		t.Errorf("the rebuild should lack one user of two, and differs so: %+v", d)
	}
	if len(d.UserSamples) != 1 || d.UserSamples[0].User != "early" {
		t.Errorf("the user who differs should be early: %+v", d.UserSamples)
	}
}

// TestRebuildFromBaseOfOtherRules wants a base to be refused that was counted by
// other rules, and nothing left of it once it is dropped.
func TestRebuildFromBaseOfOtherRules(t *testing.T) {
	t.Parallel()
	c := found(t, stacktest.Embedded(t), grouptest.Catalog(t, "starview"), 1)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	c.Produce(visits(5, "u1")...)
	c.Drain()
	r := c.rebuilder(ctx)
	_, err := r.TakeBase(ctx)
	c.do("take a base", err)
	_, err = r.Start(ctx, pipeline.Request{Catalog: c.stricter(), From: pipeline.From{Base: true}})
	if err == nil || !strings.Contains(err.Error(), "whose rules are others") {
		t.Errorf("rows that were counted by other rules are begun with: %v", err)
	}
	if _, err := r.Status(ctx); err == nil {
		t.Error("a rebuild that was refused is under way")
	}
}
