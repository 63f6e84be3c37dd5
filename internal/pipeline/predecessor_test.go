package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestPredecessorDied has a predecessor fold and die before Redis and Kafka
// heard of it, with no later event of the users, and wants their snapshots and
// badge events all the same.
func TestPredecessorDied(t *testing.T) {
	t.Parallel()
	c := found(t, stacktest.Embedded(t), loadCatalog(t, "starview"), 1)
	c.produce(visits(1, "first")...)
	c.drain()
	c.produce(visits(6, "u1")...)
	c.foldUnpublished(t.Context(), 0, 1, 7)
	c.drain()
	c.verify()
}

// foldUnpublished folds a range of a partition as a worker does that dies
// before it can publish.
func (c *community) foldUnpublished(ctx context.Context, partition int32, from, to int64) {
	c.t.Helper()
	store, err := projections.Open(ctx, c.cfg.Postgres, c.cfg.Group)
	if err != nil {
		c.t.Fatal(err)
	}
	defer store.Close()
	_, in, err := store.CurrentCatalog(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	folder := store.NewFolder(in, c.cat, "predecessor")
	defer func() { _ = folder.Close(ctx) }()
	batch, window := processor.New(c.cat), processor.NewWindow(c.cat.DedupeWindow)
	for _, r := range c.read(c.cfg.ActivityTopic) {
		if r.Partition != partition || r.Offset < from || r.Offset >= to {
			continue
		}
		var ev schemas.Event
		if err := schemas.Decode(r.Headers, r.Value, &ev); err != nil {
			c.t.Fatal(err)
		}
		src := processor.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
		if _, err := batch.Add(&ev, src, window); err != nil {
			c.t.Fatal(err)
		}
	}
	_, err = folder.Fold(ctx, &projections.Work{Batch: batch, Reason: schemas.ReasonActivity, Ranges: []projections.Range{{
		TopicPartition: projections.TopicPartition{Topic: c.cfg.ActivityTopic, Partition: partition},
		From:           projections.Position{Offset: from}, To: projections.Position{Offset: to}}}})
	c.do("fold without publishing", err)
}

// testPredecessorLost has a worker fold five visits of a user and not publish
// them, and another one fold and publish five more, which make ten. Then
// Postgres is restored to before both: what is published says ten, so the five
// that were not must come first again.
func testPredecessorLost(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, loadCatalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	backup := c.backup(ctx, "backup")
	all := visits(10, "u1")
	c.produceTo(ctx, 0, all[:5]...)
	c.foldUnpublished(ctx, 0, 0, 5)
	leave := c.hang(ctx)
	stop := c.engine(ctx, 1, 0)
	c.produceTo(ctx, 1, all[5:]...)
	c.published(ctx, 5)
	stop()
	leave()
	if n := len(c.badges()); n != 1 {
		t.Fatalf("%d badges are published, and one should be, for the tenth visit", n)
	}
	c.cfg.Postgres = backup
	c.drain()
	c.verify()
}

// produceTo writes records to one partition of the activity topic.
func (c *community) produceTo(ctx context.Context, partition int32, records ...*kgo.Record) {
	c.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.cfg.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(c.cfg.ActivityTopic))
	if err != nil {
		c.t.Fatal(err)
	}
	defer cl.Close()
	for _, r := range records {
		r.Partition = partition
	}
	c.do("produce", cl.ProduceSync(ctx, records...).FirstErr())
}

// hang joins the group as a worker that owns partition 0 and does nothing.
func (c *community) hang(ctx context.Context) (leave func()) {
	c.t.Helper()
	const first = "!" // before all other names
	owned := make(chan struct{}, 16)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.cfg.Brokers...), kgo.ConsumerGroup(c.cfg.Group), kgo.InstanceID(first),
		kgo.ConsumeTopics(c.cfg.ActivityTopic, c.cfg.Group+".control"), kgo.Balancers(kgo.RangeBalancer()), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { owned <- struct{}{} }))
	if err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-owned:
	case <-ctx.Done():
		c.t.Fatal("it never joined the group")
	}
	return func() {
		_, err := kadm.NewClient(c.cl).LeaveGroup(ctx, kadm.LeaveGroup(c.cfg.Group).InstanceIDs(first))
		c.do("leave the group", err)
		cl.Close()
	}
}

func TestRealPredecessorLost(t *testing.T) { t.Parallel(); testPredecessorLost(t, stacktest.Real(t)) }
func TestPredecessorLost(t *testing.T)     { t.Parallel(); testPredecessorLost(t, stacktest.Embedded(t)) }
