package pipeline_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/awards"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealUndecidedOffsets(t *testing.T) { t.Parallel(); testUndecidedOffsets(t, stacktest.Real(t)) }
func TestUndecidedOffsets(t *testing.T)     { t.Parallel(); testUndecidedOffsets(t, stacktest.Embedded(t)) }

// testUndecidedOffsets has a worker of another process fold, show and publish
// five visits, and leaves it just before its Kafka transaction commits. Who
// takes the partition over then does not know whether they are published: he
// must wait until that is decided. When it is, they stand there once.
func testUndecidedOffsets(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 1)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	c.Produce(visits(5, "u1")...)
	commit := c.publishUndecided(ctx, c.foldUnpublished(ctx, 0, 0, 5))
	stop := c.Engine(ctx, 1, 0)
	defer stop()
	c.lasts(ctx, 3*time.Second) // for the heir to take over, and to do wrong if it does
	commit()
	c.Produce(visits(3, "u2")...)
	c.Published(ctx, 8)
	stop()
	c.Verify()
}

// publishUndecided shows and publishes what was folded, as a worker does, up to
// the commit of its Kafka transaction, which it returns.
func (c *community) publishUndecided(ctx context.Context, out *projections.Outcome) (commit func()) {
	c.T.Helper()
	store, err := projections.Open(ctx, c.Config.Postgres, c.Config.Group)
	c.do("open the store", err)
	defer store.Close()
	_, in, err := store.CurrentCatalog(ctx)
	c.do("read the regime", err)
	c.do("write snapshots", snapshots.NewWriter(redis.UniversalClient(c.redis()), c.Config.Group, c.Catalog, in).Write(ctx, out.Finals))

	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Config.Brokers...), kgo.TransactionalID(c.Config.Group+"-another"),
		kgo.TransactionTimeout(30*time.Second), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	c.do("make a Kafka client", err)
	c.T.Cleanup(cl.Close)
	c.do("begin a transaction", cl.BeginTransaction())
	var records []*kgo.Record
	for i := range out.History {
		e := awards.Event(c.Config.Group, &out.History[i])
		records = append(records, &kgo.Record{Topic: c.Config.AwardTopic, Key: []byte(e.ID()), Value: e.AppendStructured(nil),
			Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json; charset=UTF-8")}}})
	}
	row := out.Ledger[0]
	ledger := schemas.LedgerRow{Number: row.Number, Topic: row.Topic, From: row.From.Offset, To: row.To.Offset, CatalogVersion: int64(row.CatalogVersion), Group: c.Config.Group}
	records = append(records, &kgo.Record{Topic: c.Config.Group + ".ledger", Key: strconv.AppendInt(nil, row.Number, 10), Value: ledger.Append(nil)})
	c.do("produce", cl.ProduceSync(ctx, records...).FirstErr())
	c.do("add the offset", c.addOffset(ctx, cl, row.To.Offset))
	return func() { c.do("commit", cl.EndTransaction(ctx, kgo.TryCommit)) }
}

// addOffset makes the offset of partition 0 part of a client's transaction.
func (c *community) addOffset(ctx context.Context, cl *kgo.Client, offset int64) error {
	id, epoch, err := cl.ProducerID(ctx)
	if err != nil {
		return err
	}
	topics, err := kadm.NewClient(cl).ListTopics(ctx, c.Config.ActivityTopic)
	if err != nil {
		return err
	}
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = c.Config.Group+"-another", id, epoch
	req.Group, req.Generation = c.Config.Group, -1
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = c.Config.ActivityTopic, topics[c.Config.ActivityTopic].ID
	part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	part.Offset, part.Metadata = offset, kmsg.StringPtr("step=0 ordinal=0")
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	return errors.Wrap(kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode), "TxnOffsetCommit")
}
