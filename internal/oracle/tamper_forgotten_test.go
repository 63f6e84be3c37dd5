package oracle_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealTamperedTombstones(t *testing.T) {
	t.Parallel()
	testTamperedTombstones(t, stacktest.Real(t))
}
func TestTamperedTombstones(t *testing.T) {
	t.Parallel()
	testTamperedTombstones(t, stacktest.Embedded(t))
}

// testTamperedTombstones copies what was published of a user who was erased, with
// something amiss, or as compaction leaves it.
func testTamperedTombstones(t *testing.T, stack *stacktest.Stack) {
	g, user := erased(t, stack)
	key := g.eventOf(user, true)
	living := g.eventOf(user, false)
	of := func(key string) func(*kgo.Record) bool {
		return func(r *kgo.Record) bool { return string(r.Key) == key }
	}
	tomb := func(r *kgo.Record) bool { return string(r.Key) == key && r.Value == nil }
	for _, tc := range []struct {
		what, check string
		change      func([]*kgo.Record) []*kgo.Record
	}{
		{"as it was", "", func(list []*kgo.Record) []*kgo.Record { return list }},
		{"no tombstone", oracle.ErasedAbsent, func(list []*kgo.Record) []*kgo.Record { return slices.DeleteFunc(list, tomb) }},
		{"a tombstone in another partition", oracle.ErasedAbsent, func(list []*kgo.Record) []*kgo.Record {
			list[slices.IndexFunc(list, tomb)].Partition ^= 1
			return list
		}},
		{"a tombstone before its event", oracle.ErasedAbsent, func(list []*kgo.Record) []*kgo.Record {
			at := slices.IndexFunc(list, tomb)
			return slices.Concat(list[at:at+1], list[:at], list[at+1:])
		}},
		{"a tombstone of who was not erased", oracle.ErasedAbsent, func(list []*kgo.Record) []*kgo.Record {
			r := *list[slices.IndexFunc(list, of(living))]
			r.Value = nil
			return append(list, &r)
		}},
		{"such a one in another partition", oracle.ErasedAbsent, func(list []*kgo.Record) []*kgo.Record {
			r := *list[slices.IndexFunc(list, of(living))]
			r.Value, r.Partition = nil, 1-r.Partition
			return append(list, &r)
		}},
		{"compacted but for tombstones", "", func(list []*kgo.Record) []*kgo.Record {
			return slices.DeleteFunc(list, func(r *kgo.Record) bool { return string(r.Key) == key && r.Value != nil })
		}},
		{"compacted", "", func(list []*kgo.Record) []*kgo.Record { return slices.DeleteFunc(list, of(key)) }},
	} {
		cfg := g.AuditConfig()
		cfg.Settle = 2 * time.Second
		cfg.AwardTopic = g.rewritten(g.Config.AwardTopic, tc.what, tc.change)
		g.expects(cfg, tc.what, tc.check)
	}
	tombstone := func(r *kgo.Record) bool { return r.Value == nil && len(r.Headers) == 0 }
	for _, tc := range []struct {
		what, check string
		change      func([]*kgo.Record) []*kgo.Record
	}{
		{"no tombstone of a dead letter", oracle.ErasedAbsent, func(list []*kgo.Record) []*kgo.Record { return slices.DeleteFunc(list, tombstone) }},
		{"compacted dead letters", "", func(list []*kgo.Record) []*kgo.Record {
			dead := map[string]bool{}
			for _, r := range list {
				dead[string(r.Key)] = dead[string(r.Key)] || tombstone(r)
			}
			return slices.DeleteFunc(list, func(r *kgo.Record) bool { return dead[string(r.Key)] })
		}},
		{"a tombstone of another dead letter", oracle.ErasedAbsent, func(list []*kgo.Record) []*kgo.Record {
			his := list[g.letterOf(list)]
			other := list[slices.IndexFunc(list, func(r *kgo.Record) bool { return string(r.Key) != string(his.Key) && !tombstone(r) })]
			return append(list, &kgo.Record{Partition: other.Partition, Key: other.Key})
		}},
	} {
		cfg := g.AuditConfig()
		cfg.Settle = 2 * time.Second
		cfg.DeadLetterTopic = g.rewritten(g.Config.DeadLetterTopic, tc.what, tc.change)
		g.expects(cfg, tc.what, tc.check)
	}
	lies := g.AuditConfig()
	lies.DeadLetterTopic = g.rewritten(g.Config.DeadLetterTopic, "lies", func(list []*kgo.Record) []*kgo.Record {
		list[g.letterOf(list)].Value = []byte("another")
		return list
	})
	g.expects(lies, "a dead letter of his that lies", oracle.DeadLettersOnce)
	list := g.Read(g.Config.DeadLetterTopic)
	g.abort(list[g.letterOf(list)])
	g.expects(g.AuditConfig(), "a dead letter of his, sent once more and aborted", "")
}

// eventOf is the key of a badge event of a user's, or of somebody who was not
// erased.
func (g *group) eventOf(user string, his bool) string {
	g.T.Helper()
	records := g.Read(g.Config.AwardTopic)
	dead := map[string]bool{}
	for _, r := range records {
		dead[string(r.Key)] = r.Value == nil
	}
	for _, r := range records {
		var e schemas.BadgeEvent
		if r.Value == nil {
			continue
		}
		if err := schemas.DecodeBadgeEvent(r.Headers, r.Value, &e); err != nil {
			g.T.Fatal(err)
		}
		if his == (e.User == user) && his == dead[string(r.Key)] {
			return string(r.Key)
		}
	}
	g.T.Fatalf("there is no badge event of %q, erased %t", user, his)
	return ""
}

// letterOf finds a dead letter whose row was emptied.
func (g *group) letterOf(list []*kgo.Record) int {
	g.T.Helper()
	var topic string
	var partition int32
	var offset int64
	if err := g.pg.QueryRow(g.T.Context(), `SELECT topic, partition, "offset" FROM `+g.base()+`.reject WHERE detail = '' ORDER BY "offset" LIMIT 1`).Scan(&topic, &partition, &offset); err != nil {
		g.T.Fatal(err)
	}
	return slices.IndexFunc(list, func(r *kgo.Record) bool {
		d, _, err := schemas.ParseDeadLetter(r.Headers)
		return err == nil && r.Value != nil && d.Topic == topic && d.Partition == partition && d.Offset == offset
	})
}

// rewritten copies a topic, changed, to another one.
func (g *group) rewritten(from, what string, change func([]*kgo.Record) []*kgo.Record) string {
	g.T.Helper()
	to := from + "." + strings.ReplaceAll(what, " ", "-")
	g.topic(to)
	cl, err := kgo.NewClient(kgo.SeedBrokers(g.Config.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		g.T.Fatal(err)
	}
	defer cl.Close()
	for _, r := range change(g.Read(from)) {
		copied := &kgo.Record{Topic: to, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}
		if err := cl.ProduceSync(g.T.Context(), copied).FirstErr(); err != nil {
			g.T.Fatal(err)
		}
	}
	return to
}

// abort writes a record once more, in a transaction that is aborted.
func (g *group) abort(r *kgo.Record) {
	g.T.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(g.Config.Brokers...), kgo.TransactionalID(g.Config.Group+"-aborted"))
	if err != nil {
		g.T.Fatal(err)
	}
	defer cl.Close()
	ctx := g.T.Context()
	if err := cl.BeginTransaction(); err != nil {
		g.T.Fatal(err)
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value, Headers: r.Headers}).FirstErr(); err != nil {
		g.T.Fatal(err)
	}
	if err := cl.EndTransaction(ctx, kgo.TryAbort); err != nil {
		g.T.Fatal(err)
	}
}

func TestRealErasedInRedis(t *testing.T) { t.Parallel(); testErasedInRedis(t, stacktest.Real(t)) }
func TestErasedInRedis(t *testing.T)     { t.Parallel(); testErasedInRedis(t, stacktest.Embedded(t)) }

// testErasedInRedis has the snapshot of a user who was erased show something.
func testErasedInRedis(t *testing.T, stack *stacktest.Stack) {
	g, user := erased(t, stack)
	cfg := g.AuditConfig()
	cfg.Settle = time.Second
	key := g.Config.Group + ":progress:" + user
	was, err := g.rdb.Get(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*schemas.Snapshot){
		"a counter": func(s *schemas.Snapshot) {
			s.Counters = append(s.Counters, schemas.Number{Name: "location_visits", Value: 1})
		},
		"an age":    func(s *schemas.Snapshot) { s.Since = append(s.Since, schemas.Instant{Name: "age", At: 1}) },
		"a badge":   func(s *schemas.Snapshot) { s.Earned = append(s.Earned, schemas.Earned{Badge: "explorer", At: 1}) },
		"a pin":     func(s *schemas.Snapshot) { s.Pins = append(s.Pins, "explorer") },
		"a version": func(s *schemas.Snapshot) { s.Version = 1 },
	} {
		g.snapshot(user, change)
		g.expects(cfg, what, oracle.ErasedAbsent)
		if err := g.rdb.Set(t.Context(), key, was, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	g.expects(cfg, "as it was", "")
	if err := g.rdb.Del(t.Context(), key).Err(); err != nil {
		t.Fatal(err)
	}
	g.expects(cfg, "a day later", "")
}
