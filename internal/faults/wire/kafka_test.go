package wire_test

import (
	"context"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/faults/wire"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestKafka(t *testing.T)     { testKafka(t, stacktest.Embedded(t)) }
func TestRealKafka(t *testing.T) { testKafka(t, stacktest.Real(t)) }

// testKafka sends a record in a transaction, with a fault at one point of it,
// and looks whether a reader sees it. The points come only if the client was
// told the proxy's address for the broker's.
func testKafka(t *testing.T, stack *stacktest.Stack) {
	ctx := limited(t)
	direct, err := kgo.NewClient(kgo.SeedBrokers(stack.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	for i, tt := range []struct {
		point wire.Point
		fault wire.Fault
		// committed says that the record is there although the client gave up as
		// soon as the point had come.
		committed bool
	}{
		{wire.Point{Message: "InitProducerID", Side: wire.Before}, wire.Hang(time.Minute), false},
		{wire.Point{Message: "Produce", Side: wire.Before}, wire.Hang(time.Minute), false},
		{wire.Point{Message: "Produce", Side: wire.After}, wire.Hang(time.Minute), false},
		{wire.Point{Message: "EndTxn", Side: wire.Before}, wire.Hang(time.Minute), false},
		{wire.Point{Message: "EndTxn", Side: wire.After}, wire.Hang(time.Minute), true},
	} {
		proxy := listen(t, wire.Kafka, stack.Brokers[0])
		topic := stack.Topic("t" + string(rune('a'+i)))
		if _, err := kadm.NewClient(direct).CreateTopic(ctx, 1, 1, nil, topic); err != nil {
			t.Fatal(err)
		}
		armed := proxy.Arm(tt.point, tt.fault)
		sending, giveUp := context.WithCancel(ctx)
		go func() {
			select {
			case <-armed.Met():
			case <-sending.Done():
			}
			giveUp()
		}()
		transact(sending, t, proxy.Address(), topic)
		giveUp()
		must(t, armed)
		// A transaction that is left open ends the log for readers of what is
		// committed. One that commits shows a moment after the broker has said so.
		end := committedEnd(ctx, t, direct, topic)
		for tt.committed && end == 0 {
			end = committedEnd(ctx, t, direct, topic)
		}
		if end > 0 && !tt.committed {
			t.Errorf("%s: the last stable offset is %d", tt.point, end)
		}
	}
}

func committedEnd(ctx context.Context, t *testing.T, cl *kgo.Client, topic string) int64 {
	t.Helper()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := ends.Lookup(topic, 0)
	return o.Offset
}

// transact sends a record in a transaction, as far as it gets.
func transact(ctx context.Context, t *testing.T, broker, topic string) {
	cl, err := kgo.NewClient(kgo.WithContext(ctx), kgo.SeedBrokers(broker), kgo.TransactionalID(topic), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Error(err)
		return
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		t.Error(err)
		return
	}
	if cl.ProduceSync(ctx, kgo.StringRecord("x")).FirstErr() != nil {
		return
	}
	_ = cl.EndTransaction(ctx, kgo.TryCommit) // whether it did is asked of the broker
}

// TestRealGroup follows a consumer group, whose coordinator is found by asking.
func TestRealGroup(t *testing.T) {
	stack := stacktest.Real(t)
	ctx := limited(t)
	proxy := listen(t, wire.Kafka, stack.Brokers[0])
	var all []*wire.Armed
	for _, m := range []string{"FindCoordinator", "JoinGroup", "SyncGroup", "OffsetFetch", "Fetch", "Heartbeat", "OffsetCommit", "LeaveGroup"} {
		for _, side := range []wire.Side{wire.Before, wire.After} {
			all = append(all, proxy.Arm(wire.Point{Message: m, Side: side}, wire.Delay(time.Millisecond)))
		}
	}
	topic := stack.Topic("t")
	direct, err := kgo.NewClient(kgo.SeedBrokers(stack.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	if _, err := kadm.NewClient(direct).CreateTopic(ctx, 1, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(proxy.Address()), kgo.ConsumerGroup(stack.Group("g")), kgo.ConsumeTopics(topic),
		kgo.DefaultProduceTopic(topic), kgo.HeartbeatInterval(100*time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(ctx, kgo.StringRecord("x")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	fetches := cl.PollFetches(ctx)
	if err := fetches.Err(); err != nil || fetches.NumRecords() != 1 {
		t.Fatalf("%d records: %v", fetches.NumRecords(), err)
	}
	if err := cl.CommitRecords(ctx, fetches.Records()...); err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Message == "Heartbeat" {
			select {
			case <-a.Over():
			case <-ctx.Done():
			}
		}
	}
	cl.Close()
	for _, a := range all {
		must(t, a)
	}
}
