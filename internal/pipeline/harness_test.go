package pipeline_test

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/schemas"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestMain(m *testing.M) {
	if os.Getenv(childConfig) != "" {
		os.Exit(runChild())
	}
	os.Exit(stacktest.Main(m))
}

// community is one group on the test's servers, with topics of its own.
type community struct {
	t   *testing.T
	cfg pipeline.Config
	cat *catalog.Catalog
	cl  *kgo.Client
}

// found makes a community and its topics.
func found(t *testing.T, stack *stacktest.Stack, cat *catalog.Catalog, partitions int) *community {
	t.Helper()
	c := &community{t: t, cat: cat, cfg: pipeline.Config{
		Brokers: stack.Brokers, Postgres: stack.PostgresURL, Redis: stack.RedisURL,
		Group: stack.Group("g"), ActivityTopic: stack.Topic("activity"), AwardTopic: stack.Topic("badges"), DeadLetterTopic: stack.Topic("dead"),
		Partitions: partitions,
	}}
	var err error
	c.cl, err = kgo.NewClient(kgo.SeedBrokers(stack.Brokers...), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.DefaultProduceTopic(c.cfg.ActivityTopic),
		kgo.ProducerBatchMaxBytes(3<<20))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.cl.Close)
	if err := pipeline.Init(t.Context(), c.cfg, cat, telemetry.Discard().Log); err != nil {
		t.Fatal(err)
	}
	return c
}

func loadCatalog(t *testing.T, name string) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// produce writes records to the activity topic, in order.
func (c *community) produce(records ...*kgo.Record) {
	c.t.Helper()
	if err := c.cl.ProduceSync(c.t.Context(), records...).FirstErr(); err != nil {
		c.t.Fatal(err)
	}
}

// lines makes a structured-mode record of each line, as `produce --raw` does.
func lines(text []byte) []*kgo.Record {
	var records []*kgo.Record
	in := bufio.NewScanner(bytes.NewReader(text))
	in.Buffer(nil, 4<<20)
	for in.Scan() {
		records = append(records, &kgo.Record{Value: bytes.Clone(in.Bytes()),
			Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json")}}})
	}
	return records
}

// drain runs the engine until all that stands in the topics is published.
func (c *community) drain() pipeline.Summary {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 60*time.Second)
	defer cancel()
	cfg := c.cfg
	cfg.Drain = true
	sum, err := pipeline.Run(ctx, cfg, c.cat, c.telemetry())
	if err != nil {
		c.t.Fatal(err)
	}
	if ctx.Err() != nil {
		c.t.Fatalf("not drained within a minute: %+v", sum)
	}
	return sum
}

// read returns all records of a topic that a read_committed reader sees.
func (c *community) read(topic string) []*kgo.Record {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.cfg.Brokers...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		c.t.Fatal(err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	written, err := adm.ListEndOffsets(ctx, topic)
	if err != nil {
		c.t.Fatal(err)
	}
	left := map[int32]int64{}
	// That a transaction committed is told to one partition after the other.
	c.until(ctx, "all transactions on "+topic+" are ended", func() bool {
		ends, err := adm.ListCommittedOffsets(ctx, topic)
		ended := err == nil
		ends.Each(func(o kadm.ListedOffset) {
			end, _ := written.Lookup(o.Topic, o.Partition)
			ended = ended && o.Err == nil && o.Offset >= end.Offset
			if o.Offset > 0 {
				left[o.Partition] = o.Offset
			}
		})
		return ended
	})
	var records []*kgo.Record
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			c.t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		})
	}
	return records
}

// badges returns the badge events that were published.
func (c *community) badges() []schemas.BadgeEvent {
	c.t.Helper()
	var events []schemas.BadgeEvent
	for _, r := range c.read(c.cfg.AwardTopic) {
		var e schemas.BadgeEvent
		if err := schemas.DecodeBadgeEvent(r.Headers, r.Value, &e); err != nil {
			c.t.Fatalf("%s: %v", r.Value, err)
		}
		events = append(events, e)
	}
	return events
}

// telemetry tells the test's log what the engine logs.
func (c *community) telemetry() *telemetry.Telemetry {
	tel := telemetry.Discard()
	tel.Log = slog.New(slog.NewTextHandler(c.t.Output(), nil))
	return tel
}
