package explain_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/explain"
	"github.com/badgestream/badgestream/internal/operatortest"
)

func TestRealReplay(t *testing.T) { t.Parallel(); testReplay(t, stacktest.Real(t)) }
func TestReplay(t *testing.T)     { t.Parallel(); testReplay(t, stacktest.Embedded(t)) }

// testReplay has several workers fold events of all types, which credit
// everybody across partitions, with duplicates, records that are no events,
// places that run out and ticks. Then each user's trace must give his very row,
// and award and revoke what the history has, event by event.
func testReplay(t *testing.T, stack *stacktest.Stack) {
	for _, name := range []string{"starview", "stride"} {
		g := operatortest.Found(t, stackOf(stack, name), name, 4)
		g.Workers, g.Batch = 3, 7
		g.Produce(anything(g.Catalog, 11, 1_500)...)
		g.Produce(g.Tick(noon.AddDate(1, 0, 0)))
		g.Produce(anything(g.Catalog, 12, 500)...)
		g.Drain()
		counted := map[explain.Verdict]int{}
		for user := 'a'; user < 'a'+20; user++ {
			e := explained(t, g, string(user))
			var got []string
			for _, ev := range e.Trace.Events {
				counted[ev.Verdict]++
				for _, b := range ev.Badges {
					got = append(got, fmt.Sprintf("%s/%d@%d %s %v %d", ev.Topic, ev.Partition, ev.Offset, b.Badge, b.Revoked, ev.Version))
				}
			}
			latest(t, e)
			var want []string
			rows, err := g.Conn.Query(t.Context(), `SELECT format('%s/%s@%s %s %s %s', topic, partition, "offset", badge, CASE WHEN revoked THEN 'true' ELSE 'false' END, user_version)
FROM `+g.Base()+`.history WHERE user_id = $1 ORDER BY user_version, ordinal`, string(user))
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var line string
				if err := rows.Scan(&line); err != nil {
					t.Fatal(err)
				}
				want = append(want, line)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %c: the trace gives\n%q\nand the history has\n%q", name, user, got, want)
			}
		}
		for _, v := range []explain.Verdict{explain.Counted, explain.NoEffect, explain.ForOthers, explain.Duplicate, explain.Rejected} {
			if counted[v] == 0 {
				t.Errorf("%s: no event was %s: this tests less than it should", name, v)
			}
		}
	}
}

// latest wants of each badge the last award and the last revocation among the
// events, and how many there are.
func latest(t *testing.T, e *explain.Explanation) {
	t.Helper()
	for i := range e.Badges {
		b := &e.Badges[i]
		var awards, revocations int64
		var awarded, revoked string
		for _, ev := range e.Trace.Events {
			for _, g := range ev.Badges {
				switch {
				case g.Badge != b.Slug:
				case g.Revoked:
					revocations, revoked = revocations+1, ev.ID
				default:
					awards, awarded = awards+1, ev.ID
				}
			}
		}
		if b.Awards != awards || b.Revocations != revocations || cause(b.Awarded) != awarded || cause(b.Revoked) != revoked {
			t.Errorf("%s, %s: %d awards, the last by %q, and %d revocations, the last by %q; the events give %d, %q, %d, %q",
				e.User, b.Slug, b.Awards, cause(b.Awarded), b.Revocations, cause(b.Revoked), awards, awarded, revocations, revoked)
		}
	}
}

func cause(c *explain.Change) string {
	if c == nil {
		return ""
	}
	return c.Event.ID
}

// stackOf gives each catalogue topics and groups of its own.
func stackOf(s *stacktest.Stack, name string) *stacktest.Stack {
	own := *s
	own.Prefix += "-" + name
	return &own
}

// anything makes events of every type of a catalogue, of 20 users; some are sent
// twice, and some are cut short.
func anything(cat *catalog.Catalog, seed uint64, n int) (records []*kgo.Record) {
	rng := rand.New(rand.NewPCG(seed, 2))
	for _, r := range operatortest.Anything(cat, seed, n, noon, func(rng *rand.Rand) string { return string(rune('a' + rng.IntN(20))) }) {
		if rng.IntN(40) == 0 {
			r.Value = r.Value[:len(r.Value)-1]
		}
		records = append(records, r)
		if rng.IntN(20) == 0 {
			records = append(records, &kgo.Record{Key: r.Key, Value: r.Value, Headers: r.Headers})
		}
	}
	return records
}
