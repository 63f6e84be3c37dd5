package pipeline_test

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/faults/wire"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// TestPredecessorDied has a predecessor fold and die before Redis and Kafka
// heard of it, with no later event of the users, and wants their snapshots and
// badge events all the same.
func TestPredecessorDied(t *testing.T) {
	t.Parallel()
	c := found(t, stacktest.Embedded(t), grouptest.Catalog(t, "starview"), 1)
	c.Produce(visits(1, "first")...)
	c.Drain()
	c.Produce(visits(6, "u1")...)
	c.foldUnpublished(t.Context(), 0, 1, 7)
	c.Drain()
	c.Verify()
}

// TestRecoveredIsShownFirst looks where the group stands when the first
// snapshot of what a predecessor folded gets to Redis: none of it is published
// before.
func TestRecoveredIsShownFirst(t *testing.T) {
	t.Parallel()
	c := found(t, stacktest.Embedded(t), grouptest.Catalog(t, "starview"), 1)
	c.Produce(visits(1, "first")...)
	c.Drain()
	c.Produce(visits(6, "u1")...)
	c.foldUnpublished(t.Context(), 0, 1, 7)
	host, err := wire.Host(c.Config.Redis)
	c.do("read the address of Redis", err)
	proxy, err := wire.Listen(t.Context(), wire.Redis, host)
	c.do("stand before Redis", err)
	defer proxy.Close()
	c.Config.Redis, err = wire.Through(c.Config.Redis, proxy.Address())
	c.do("go through the proxy", err)
	stood := make(chan int64, 1)
	proxy.Arm(wire.Point{Message: "EXEC", Side: wire.Before}, wire.Then(func() {
		offsets, err := kadm.NewClient(c.Client).FetchOffsetsForTopics(t.Context(), c.Config.Group, c.Config.ActivityTopic)
		if err != nil {
			t.Error(err)
		}
		o, _ := offsets.Lookup(c.Config.ActivityTopic, 0)
		stood <- o.At
	}, wire.Delay(0)))
	c.Drain()
	select {
	case k := <-stood:
		if k != 1 {
			t.Errorf("up to offset %d was published before the snapshot was written", k)
		}
	default:
		t.Error("no snapshot was written")
	}
	c.Verify()
}

// foldUnpublished folds a range of a partition as a worker does that dies
// before it can publish.
func (c *community) foldUnpublished(ctx context.Context, partition int32, from, to int64) *projections.Outcome {
	c.T.Helper()
	store, err := projections.Open(ctx, c.Config.Postgres, c.Config.Group)
	if err != nil {
		c.T.Fatal(err)
	}
	defer store.Close()
	_, in, err := store.CurrentCatalog(ctx)
	if err != nil {
		c.T.Fatal(err)
	}
	folder := store.NewFolder(in, c.Catalog, "predecessor")
	defer func() { _ = folder.Close(ctx) }()
	batch, window := processor.New(c.Catalog), processor.NewWindow(c.Catalog.DedupeWindow)
	for _, r := range c.Read(c.Config.ActivityTopic) {
		if r.Partition != partition || r.Offset < from || r.Offset >= to {
			continue
		}
		var ev schemas.Event
		if err := schemas.Decode(r.Headers, r.Value, &ev); err != nil {
			c.T.Fatal(err)
		}
		src := processor.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
		if _, err := batch.Add(&ev, src, window); err != nil {
			c.T.Fatal(err)
		}
	}
	out, err := folder.Fold(ctx, &projections.Work{Batch: batch, Reason: schemas.ReasonActivity, Ranges: []projections.Range{{
		TopicPartition: projections.TopicPartition{Topic: c.Config.ActivityTopic, Partition: partition},
		From:           projections.Position{Offset: from}, To: projections.Position{Offset: to}}}})
	c.do("fold without publishing", err)
	return out
}

// testPredecessorLost has a worker fold five visits of a user and not publish
// them, and another one fold and publish five more, which make ten. Then
// Postgres is restored to before both: what is published says ten, so the five
// that were not must come first again.
func testPredecessorLost(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	backup := c.backup(ctx, "backup")
	all := visits(10, "u1")
	c.produceTo(ctx, 0, all[:5]...)
	c.foldUnpublished(ctx, 0, 0, 5)
	leave := c.hang(ctx)
	stop := c.Engine(ctx, 1, 0)
	c.produceTo(ctx, 1, all[5:]...)
	c.Published(ctx, 5)
	stop()
	leave()
	if n := len(c.Badges()); n != 1 {
		t.Fatalf("%d badges are published, and one should be, for the tenth visit", n)
	}
	c.Config.Postgres = backup
	c.Drain()
	c.Verify()
}

// produceTo writes records to one partition of the activity topic.
func (c *community) produceTo(ctx context.Context, partition int32, records ...*kgo.Record) {
	c.T.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Config.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(c.Config.ActivityTopic))
	if err != nil {
		c.T.Fatal(err)
	}
	defer cl.Close()
	for _, r := range records {
		r.Partition = partition
	}
	c.do("produce", cl.ProduceSync(ctx, records...).FirstErr())
}

// hang joins the group as a worker that owns partition 0 and does nothing.
func (c *community) hang(ctx context.Context) (leave func()) {
	c.T.Helper()
	const first = "!" // before all other names
	owned := make(chan struct{}, 16)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Config.Brokers...), kgo.ConsumerGroup(c.Config.Group), kgo.InstanceID(first),
		kgo.ConsumeTopics(c.Config.ActivityTopic, c.Config.Group+".control"), kgo.Balancers(kgo.RangeBalancer()), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { owned <- struct{}{} }))
	if err != nil {
		c.T.Fatal(err)
	}
	select {
	case <-owned:
	case <-ctx.Done():
		c.T.Fatal("it never joined the group")
	}
	return func() {
		_, err := kadm.NewClient(c.Client).LeaveGroup(ctx, kadm.LeaveGroup(c.Config.Group).InstanceIDs(first))
		c.do("leave the group", err)
		cl.Close()
	}
}

func TestRealPredecessorLost(t *testing.T) { t.Parallel(); testPredecessorLost(t, stacktest.Real(t)) }
func TestPredecessorLost(t *testing.T)     { t.Parallel(); testPredecessorLost(t, stacktest.Embedded(t)) }
