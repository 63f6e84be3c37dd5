package pipeline_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

const walks = `
name: walks
dedupe: {window: 5}
events:
  walked: {}
counters:
  walks: {total: [{on: walked, add: 1}]}
badges:
  - category: WALKS
    criterion: WALKS
    badges:
      - {slug: walker, name: Walker, description: Walked once., tier: 1, counter: walks, at_least: 1}
`

// TestWarmedWindowIsExact restarts the engine after every batch, and sends
// events again: one that stands as far back as the window reaches is a
// duplicate, and one that stands one offset further back counts.
func TestWarmedWindowIsExact(t *testing.T) {
	t.Parallel()
	cat, err := catalog.Parse("walks", []byte(walks))
	if err != nil {
		t.Fatal(err)
	}
	c := found(t, stacktest.Embedded(t), cat, 1)
	counted := int64(0)
	for _, batch := range []struct {
		ids string
		new int64
	}{
		{"abcde", 5}, // offsets 0 to 4
		{"a", 0},     // at 5, and at 0 before
		{"fb", 2},    // b at 7, and at 1 before
		{"h", 1},
		{"c", 1}, // at 9, and at 2 before
		{"f", 0}, // at 10, and at 6 before
		{"b", 0}, // at 11, and at 7 before
	} {
		c.Produce(walked(batch.ids)...)
		c.Drain()
		counted += batch.new
		if n := c.walks(); n != counted {
			t.Errorf("after %q there are %d walks, and %d count", batch.ids, n, counted)
		}
	}
	c.Verify()
}

// walked are walks of a user, whose ids are letters.
func walked(ids string) (records []*kgo.Record) {
	for _, id := range ids {
		records = append(records, lines(fmt.Appendf(nil, `{"specversion":"1.0","id":"%c","source":"/w","type":"walked","subject":"u1","time":"2026-03-01T12:00:00Z","data":{}}`, id))...)
	}
	return records
}

// walks is the user's counter, as Redis has it.
func (c *community) walks() int64 {
	c.T.Helper()
	text, err := c.redis().Get(c.T.Context(), snapshots.Key(c.Config.Group, "u1")).Result()
	c.do("read the snapshot", err)
	s, err := schemas.ParseSnapshot([]byte(text))
	c.do("decode it", err)
	if len(s.Counters) != 1 {
		c.T.Fatalf("the counters are %v", s.Counters)
	}
	return s.Counters[0].Value
}

// TestWindowOfAFormerOwner takes a partition away from a worker, has another
// one fold it on, and gives it back: what the other one folded is a duplicate
// when it comes again.
func TestWindowOfAFormerOwner(t *testing.T) {
	t.Parallel()
	cat, err := catalog.Parse("walks", []byte(walks))
	if err != nil {
		t.Fatal(err)
	}
	c := found(t, stacktest.Embedded(t), cat, 1)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	stop := c.Engine(ctx, 1, 0)
	defer stop()
	c.Produce(walked("a")...)
	c.Published(ctx, 1)
	leave := c.hang(ctx)
	c.Produce(walked("b")...)
	c.foldUnpublished(ctx, 0, 1, 2)
	leave()
	c.Produce(walked("bc")...)
	c.Published(ctx, 4)
	if n := c.walks(); n != 3 {
		t.Errorf("there are %d walks, and 3 count", n)
	}
	stop()
	c.Verify()
}
