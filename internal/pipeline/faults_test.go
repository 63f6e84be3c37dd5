package pipeline_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

const visit = `{"specversion":"1.0","id":"%s","source":"/s","type":"starview.location.visited","subject":"%s","time":"2026-03-01T12:00:01.000Z","data":{"location":"%s"}}`

// unbury reads a dead letter.
func unbury(r *kgo.Record) (schemas.DeadLetter, schemas.Buried[kgo.RecordHeader], error) {
	return schemas.Unbury(schemas.Buried[kgo.RecordHeader]{Key: r.Key, Value: r.Value, Headers: r.Headers})
}

func visits(n int, user string) []*kgo.Record {
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, visit+"\n", fmt.Sprintf("%s-%d", user, i), user, fmt.Sprint("L", i))
	}
	return lines(text.Bytes())
}

func (c *community) redis() *redis.Client {
	c.T.Helper()
	opts, err := redis.ParseURL(c.Config.Redis)
	if err != nil {
		c.T.Fatal(err)
	}
	rdb := redis.NewClient(opts)
	c.T.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// testFlushedRedis loses all of Redis under a running engine that has nothing
// to fold, and wants every snapshot back.
func testFlushedRedis(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	stop := c.Engine(ctx, 2, 0)
	defer stop()
	c.Produce(append(visits(30, "u1"), visits(3, "u2")...)...)
	c.Published(ctx, 33)
	rdb := c.redis()
	key := snapshots.Key(c.Config.Group, "u2")
	before, err := rdb.Get(ctx, key).Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := rdb.FlushDB(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	c.Until(ctx, "the snapshots are back", func() bool { return rdb.Get(ctx, key).Val() == before })
	stop()
	c.Verify()
}

// testBadInput writes records of every kind of wrong among good ones, and
// wants each rejected as it was, the good ones counted, and nobody held up.
func testBadInput(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 1)
	structured := []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json")}}
	event := func(old, replacement string) []byte {
		return []byte(strings.Replace(fmt.Sprintf(visit, "x", "u1", "L"), old, replacement, 1))
	}
	bad := []struct {
		value  []byte
		reason schemas.Reason
	}{
		{[]byte(`{"specversion":`), schemas.ReasonMalformed},
		{nil, schemas.ReasonMalformed},
		{[]byte{}, schemas.ReasonMalformed},
		{[]byte("\x00\x01\xff"), schemas.ReasonMalformed},
		{event(`"id":"x",`, ``), schemas.ReasonAttribute},
		{event(`"subject":"u1"`, `"subject":7`), schemas.ReasonAttribute},
		{event(`"L"`, `5`), schemas.ReasonData},
		{event(`{"location":"L"}`, `null`), schemas.ReasonData},
		{event(`"L"`, `"`+strings.Repeat("L", 300)+`"`), schemas.ReasonTooLarge},
		{event(`"L"`, `"`+strings.Repeat("L", 2<<20)+`"`), schemas.ReasonTooLarge},
		{event(`"L"`, `"a\u0000b"`), schemas.ReasonData},
		{event(`"subject":"u1",`, `"subject":"u1","datacontenttype":"text/plain",`), schemas.ReasonContentType},
	}
	var records []*kgo.Record
	for i, b := range bad {
		records = append(records, &kgo.Record{Key: []byte("k"), Value: b.value, Headers: structured})
		good := visits(1, fmt.Sprint("good-", i))[0]
		if i%2 == 0 {
			good.Key = []byte{}
		}
		records = append(records, good)
	}
	unknown := []byte(strings.Replace(fmt.Sprintf(visit, "y", "u1", "L"), "starview.location.visited", "com.example.weather", 1))
	strange := visits(1, "\u202e🌌 名前")[0]
	records = append(records, &kgo.Record{Value: unknown, Headers: structured}, strange)
	c.Produce(records...)
	sum := c.Drain()
	if sum.Events != int64(len(records)) || sum.Rejected != int64(len(bad)) || sum.Awarded != int64(len(bad)+1) {
		t.Errorf("%d records, %d of them bad, gave %+v", len(records), len(bad), sum)
	}
	letters := c.Read(c.Config.DeadLetterTopic)
	if len(letters) != len(bad) {
		t.Fatalf("%d dead letters, want %d", len(letters), len(bad))
	}
	for i, r := range letters {
		d, original, err := unbury(r)
		if err != nil {
			t.Fatal(err)
		}
		if d.Reason != bad[i].reason || d.Offset != int64(2*i) || !bytes.Equal(original.Value, bad[i].value) || (original.Value == nil) != (bad[i].value == nil) ||
			r.Value == nil || string(original.Key) != "k" || len(original.Headers) != 1 || original.Headers[0].Key != "content-type" {
			t.Errorf("dead letter %d: %+v, key %q, %d bytes, headers %v; want reason %s", i, d, original.Key, len(r.Value), original.Headers, bad[i].reason)
		}
	}
	c.Verify()
}

// testLargerThanItsTopic rejects a record that its producer could compress and
// that no dead letter can hold: nobody waits for it, and its bytes are kept.
func testLargerThanItsTopic(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 1)
	cl, err := kgo.NewClient(kgo.SeedBrokers(stack.Brokers...), kgo.DefaultProduceTopic(c.Config.ActivityTopic), kgo.ProducerBatchMaxBytes(16<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	large := &kgo.Record{Key: []byte("k"), Value: make([]byte, 8<<20), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}}
	if err := cl.ProduceSync(t.Context(), large).FirstErr(); err != nil {
		t.Fatal(err)
	}
	c.Produce(visits(1, "u1")...)
	if sum := c.Drain(); sum.Rejected != 1 || sum.Awarded != 1 {
		t.Errorf("a large record and a visit gave %+v", sum)
	}
	letters := c.Read(c.Config.DeadLetterTopic)
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want 1", len(letters))
	}
	d, original, err := unbury(letters[0])
	if err != nil {
		t.Fatal(err)
	}
	if original.Key != nil || letters[0].Value == nil || len(letters[0].Value) != 0 || len(original.Headers) != 0 || !strings.Contains(d.Detail, "in the table of rejects") {
		t.Errorf("the dead letter has %d bytes, headers %v and detail %q", len(letters[0].Value), original.Headers, d.Detail)
	}
	store, err := projections.Open(t.Context(), c.Config.Postgres, c.Config.Group)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	kept := 0
	err = store.Rejects(t.Context(), projections.TopicPartition{Topic: c.Config.ActivityTopic}, 0, 10, func(r *projections.Reject) error {
		kept += len(r.Value)
		return nil
	})
	if err != nil || kept != len(large.Value) {
		t.Errorf("%d bytes are in the table of rejects, want %d: %v", kept, len(large.Value), err)
	}
	c.Verify()
}

// testTick makes many users due by one tick on the control topic, more than one
// step takes, while activity goes on.
func testTick(t *testing.T, stack *stacktest.Stack) {
	cat, err := catalog.Parse("tenure", []byte(tenure))
	if err != nil {
		t.Fatal(err)
	}
	c := found(t, stack, cat, 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	const members = 4_500
	var joins []*kgo.Record
	for i := range members {
		joins = append(joins, lines(fmt.Appendf(nil, `{"specversion":"1.0","id":"j%d","source":"/s","type":"joined","subject":"m%d","time":"2020-01-01T00:00:00Z","data":{}}`, i, i))[0])
		joins[i].Key = fmt.Appendf(nil, "m%d", i)
	}
	c.Produce(joins...)
	c.Drain()
	if n := len(c.Badges()); n != 0 {
		t.Fatalf("%d badges before any tick", n)
	}
	c.Config.Tick = time.Hour
	stop := c.Engine(ctx, 2, 0)
	c.Until(ctx, "everybody has the badge", func() bool { return len(c.Badges()) >= members })
	stop()
	seen := map[string]bool{}
	for _, b := range c.Badges() {
		if seen[b.User] || b.Badge != "veteran" || b.Revoked || b.Cause.Topic != c.Config.Group+".control" {
			t.Fatalf("badge event %+v, after %d others", b, len(seen))
		}
		seen[b.User] = true
	}
	// A late registration of long ago is due at once, by its own event.
	c.Config.Tick = 0
	c.Produce(lines([]byte(`{"specversion":"1.0","id":"late","source":"/s","type":"joined","subject":"late","time":"2020-01-01T00:00:00Z","data":{}}`))...)
	c.Drain()
	all := c.Badges()
	if last := all[len(all)-1]; len(all) != members+1 {
		t.Errorf("%d badge events after a late registration, the last %+v", len(all), last)
	}
	c.Verify()
}

const tenure = `
name: tenure
events:
  joined: {}
counters:
  member_days: {age: [{on: joined}]}
badges:
  - category: TIME
    criterion: MEMBERSHIP
    badges:
      - {slug: veteran, name: Veteran, description: A year of membership., tier: 1, counter: member_days, at_least: 365}
`

// testOtherCatalog changes the catalogue under a running engine: other names
// are taken over, other rules refused.
func testOtherCatalog(t *testing.T, stack *stacktest.Stack) {
	text, _ := schemas.CatalogText("starview")
	c := found(t, stack, grouptest.Catalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	stop := c.Engine(ctx, 2, 0)
	defer stop()
	c.Produce(visits(1, "u1")...)
	c.Published(ctx, 1)
	renamed := grouptest.Altered(t, text, "First Light", "First Glimmer")
	if err := pipeline.Init(ctx, c.Config, renamed, c.Telemetry().Log); err != nil {
		t.Fatalf("another name was refused: %v", err)
	}
	// The same place again, and another: what was there before is still known.
	again := visits(2, "u1")
	for i, text := range []string{`"id":"again"`, `"id":"other"`} {
		again[i].Value = bytes.Replace(again[i].Value, fmt.Appendf(nil, `"id":"u1-%d"`, i), []byte(text), 1)
	}
	c.Produce(append(visits(1, "u2"), again...)...)
	c.Published(ctx, 4)
	if all := c.Badges(); len(all) != 2 || all[0].CatalogVersion+all[1].CatalogVersion != 3 {
		t.Errorf("badge events %+v, want one of each version", all)
	}
	err := pipeline.Init(ctx, c.Config, c.stricter(), c.Telemetry().Log)
	if err == nil || !strings.Contains(err.Error(), "explorer") || !strings.Contains(err.Error(), "rebuild start --catalog") {
		t.Errorf("another rule: %v", err)
	}
	stop()
	c.Catalog = renamed
	c.Drain()
	c.Verify()
}

func TestRealFlushedRedis(t *testing.T) { t.Parallel(); testFlushedRedis(t, stacktest.Real(t)) }
func TestRealBadInput(t *testing.T)     { t.Parallel(); testBadInput(t, stacktest.Real(t)) }
func TestRealLargerThanItsTopic(t *testing.T) {
	t.Parallel()
	testLargerThanItsTopic(t, stacktest.Real(t))
}
func TestRealTick(t *testing.T)         { t.Parallel(); testTick(t, stacktest.Real(t)) }
func TestRealOtherCatalog(t *testing.T) { t.Parallel(); testOtherCatalog(t, stacktest.Real(t)) }

func TestFlushedRedis(t *testing.T) { t.Parallel(); testFlushedRedis(t, stacktest.Embedded(t)) }
func TestBadInput(t *testing.T)     { t.Parallel(); testBadInput(t, stacktest.Embedded(t)) }
func TestLargerThanItsTopic(t *testing.T) {
	t.Parallel()
	testLargerThanItsTopic(t, stacktest.Embedded(t))
}
func TestTick(t *testing.T)         { t.Parallel(); testTick(t, stacktest.Embedded(t)) }
func TestOtherCatalog(t *testing.T) { t.Parallel(); testOtherCatalog(t, stacktest.Embedded(t)) }
