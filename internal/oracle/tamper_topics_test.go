package oracle_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealTamperedTopics(t *testing.T) { t.Parallel(); testTamperedTopics(t, stacktest.Real) }
func TestTamperedTopics(t *testing.T)     { t.Parallel(); testTamperedTopics(t, stacktest.Embedded) }

// testTamperedTopics writes to the topics, which nobody can take back: each
// change is to a group of its own.
func testTamperedTopics(t *testing.T, servers func(testing.TB) *stacktest.Stack) {
	again := func(g *group, topic string, change func(*kgo.Record)) {
		r := g.Read(topic)[3]
		changed := kgo.Record{Topic: topic, Key: r.Key, Value: r.Value, Headers: r.Headers}
		change(&changed)
		g.Produce(&changed)
	}
	for what, tc := range map[string]struct {
		check string
		do    func(*group)
	}{
		"a badge event twice":            {oracle.AwardsOnce, func(g *group) { again(g, g.Config.AwardTopic, func(*kgo.Record) {}) }},
		"a badge event unbacked":         {oracle.AwardsOnce, func(g *group) { g.announce(func(e *schemas.BadgeEvent) { e.Cause.Offset += 1_000_000 }) }},
		"a badge event that lies":        {oracle.AwardsOnce, func(g *group) { g.Config.AwardTopic = g.retold(0) }},
		"badge events missing":           {oracle.AwardsOnce, func(g *group) { g.Config.AwardTopic = g.retold(-1) }},
		"badge events in another order":  {oracle.AwardsOrdered, func(g *group) { g.Config.AwardTopic = g.retold(1) }},
		"badge events in two partitions": {oracle.AwardsOrdered, func(g *group) { g.Config.AwardTopic = g.retold(2) }},
		"no badge event at all": {oracle.AwardsOnce, func(g *group) {
			g.Produce(&kgo.Record{Topic: g.Config.AwardTopic, Key: []byte("x"), Value: []byte("x")})
		}},
		"a dead letter twice": {oracle.DeadLettersOnce, func(g *group) { again(g, g.Config.DeadLetterTopic, func(*kgo.Record) {}) }},
		"no dead letter": {oracle.DeadLettersOnce, func(g *group) {
			// Brokers take no record without a key for a topic that is compacted.
			g.Produce(&kgo.Record{Topic: g.Config.DeadLetterTopic, Key: []byte("x"), Value: []byte("x")})
		}},
		"a ledger row twice": {oracle.LedgerTopic, func(g *group) {
			for _, r := range g.Read(g.Config.Group + ".ledger") {
				// A noted row may stand there as often as it likes.
				if row, err := schemas.ParseLedgerRow(r.Value); err == nil && !row.Noted {
					g.Produce(&kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value})
					return
				}
			}
			g.T.Error("no ledger row is there but noted ones")
		}},
		"a stale owner's row": {oracle.LedgerTopic, func(g *group) {
			row := schemas.LedgerRow{Number: 1_000_000, Topic: g.Config.ActivityTopic, From: 5, To: 10, CatalogVersion: 1, Group: g.Config.Group}
			g.Produce(&kgo.Record{Topic: g.Config.Group + ".ledger", Value: row.Append(nil)})
		}},
		"a torn write":             {oracle.NothingTorn, func(g *group) { g.torn() }},
		"events behind the engine": {oracle.LagZero, func(g *group) { g.Produce(grouptest.Crowd(g.T, 4, 5, 5)...) }},
		"K behind":                 {oracle.LagZero, func(g *group) { g.commit(g.T.Context(), -1) }},
		"K between ranges":         {oracle.Watermark, func(g *group) { g.commit(g.T.Context(), -1) }},
		"K ahead":                  {oracle.Watermark, func(g *group) { g.commit(g.T.Context(), 1) }},
	} {
		t.Run(what, func(t *testing.T) {
			if testing.Short() && tc.check != oracle.AwardsOnce {
				t.Skip("a short run looks at one check")
			}
			t.Parallel()
			g := tamperable(t, servers(t))
			tc.do(g)
			cfg := g.AuditConfig()
			cfg.Settle = 2 * time.Second
			g.wants(cfg, what, tc.check)
		})
	}
}

// retold copies the award topic to another one, with something amiss: -1 leaves
// records out, 0 changes one, 1 exchanges two of a user, 2 moves one to another
// partition.
func (g *group) retold(how int) string {
	g.T.Helper()
	to := g.Config.AwardTopic + ".retold"
	g.topic(to)
	records := g.Read(g.Config.AwardTopic)
	cl, err := kgo.NewClient(kgo.SeedBrokers(g.Config.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		g.T.Fatal(err)
	}
	defer cl.Close()
	first, second := pair(g.T, records)
	switch how {
	case -1:
		records = slices.Delete(records, 3, 5)
	case 0:
		records[3].Value = []byte(strings.Replace(string(records[3].Value), `"tier":`, `"tier":4`, 1))
	case 1:
		records[first], records[second] = records[second], records[first]
	case 2:
		records[second].Partition = 1 - records[second].Partition
	}
	for _, r := range records {
		copied := &kgo.Record{Topic: to, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}
		if err := cl.ProduceSync(g.T.Context(), copied).FirstErr(); err != nil {
			g.T.Fatal(err)
		}
	}
	return to
}

// pair finds two badge events of one user from one source partition.
func pair(t testing.TB, records []*kgo.Record) (first, second int) {
	t.Helper()
	at := map[string]int{}
	for i, r := range records {
		var e schemas.BadgeEvent
		if err := schemas.DecodeBadgeEvent(r.Headers, r.Value, &e); err != nil {
			t.Fatal(err)
		}
		source := fmt.Sprint(e.User, e.Cause.Partition)
		if before, ok := at[source]; ok {
			return before, i
		}
		at[source] = i
	}
	t.Fatal("nobody has two badge events of one partition")
	return 0, 0
}

func (g *group) topic(name string) {
	g.T.Helper()
	if _, err := kadm.NewClient(g.Client).CreateTopic(g.T.Context(), int32(g.Config.Partitions), -1, nil, name); err != nil {
		g.T.Fatal(err)
	}
}

// torn produces a badge event that nobody decided, in a transaction that is
// aborted.
func (g *group) torn() {
	g.T.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(g.Config.Brokers...), kgo.TransactionalID(g.Config.Group+"-torn"))
	if err != nil {
		g.T.Fatal(err)
	}
	defer cl.Close()
	ctx := g.T.Context()
	r := g.Read(g.Config.AwardTopic)[0]
	var e schemas.BadgeEvent
	if err := schemas.DecodeBadgeEvent(r.Headers, r.Value, &e); err != nil {
		g.T.Fatal(err)
	}
	e.Cause.Offset += 1_000_000
	if err := cl.BeginTransaction(); err != nil {
		g.T.Fatal(err)
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: g.Config.AwardTopic, Key: []byte(e.ID()), Value: e.AppendStructured(nil), Headers: r.Headers}).FirstErr(); err != nil {
		g.T.Fatal(err)
	}
	if err := cl.EndTransaction(ctx, kgo.TryAbort); err != nil {
		g.T.Fatal(err)
	}
}
