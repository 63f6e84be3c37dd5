package pipeline_test

import (
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/schemas"
)

// testTimestamps writes records whose timestamps in Kafka are those of clocks
// that jumped. An event with a time of its own does not mind. One without bears
// its record's.
func testTimestamps(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 1, grouptest.AnyTimestamp())
	const timeless = `{"specversion":"1.0","id":"%s","source":"/s","type":"starview.location.visited","subject":"%s","data":{"location":"L"}}`
	at := []struct {
		name string
		time int64 // Unix milliseconds
		ok   bool  // can be read: the client counts nanoseconds
	}{
		{"now", time.Now().UnixMilli(), true},
		{"1970", 0, true},
		{"2262", math.MaxInt64 / 1_000_000, true},
		{"9999", schemas.MaxTime / 1000, false},
		{"292278994", math.MaxInt64, false},
	}
	fixed := time.Date(2026, 3, 1, 12, 0, 1, 0, time.UTC).UnixMicro() // visit's
	want := map[string]int64{}
	for _, a := range at {
		c.produceAt(a.time, lines(fmt.Appendf(nil, visit, "timed-"+a.name, "timed-"+a.name, "L"))[0])
		want["timed-"+a.name] = fixed
		if a.ok {
			c.produceAt(a.time, lines(fmt.Appendf(nil, timeless, "timeless-"+a.name, "timeless-"+a.name))[0])
			want["timeless-"+a.name] = a.time * 1000
		}
	}
	c.Drain()
	got := map[string]int64{}
	for _, b := range c.Badges() {
		got[b.User] = b.EarnedAt
	}
	if !maps.Equal(got, want) {
		t.Errorf("badges were earned at %v, want %v", got, want)
	}
	c.Verify()
}

// produceAt writes a record with any timestamp to partition 0 of the activity
// topic. The client's own producer knows none after the year 2262.
func (c *community) produceAt(timestamp int64, r *kgo.Record) {
	c.T.Helper()
	record := kmsg.Record{Value: r.Value}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, kmsg.Header(h))
	}
	record.Length = int32(len(record.AppendTo(nil)) - 1)
	batch := kmsg.RecordBatch{PartitionLeaderEpoch: -1, Magic: 2, FirstTimestamp: timestamp, MaxTimestamp: timestamp,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 1, Records: record.AppendTo(nil)}
	const beforeLength, beforeChecked = 12, 21 // bytes of a batch
	batch.Length = int32(len(batch.AppendTo(nil)) - beforeLength)
	batch.CRC = int32(crc32.Checksum(batch.AppendTo(nil)[beforeChecked:], crc32.MakeTable(crc32.Castagnoli)))
	partition := kmsg.NewProduceRequestTopicPartition()
	partition.Records = batch.AppendTo(nil)
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.Partitions = c.Config.ActivityTopic, append(topic.Partitions, partition)
	details, err := kadm.NewClient(c.Client).ListTopics(c.T.Context(), c.Config.ActivityTopic)
	c.do("find the topic", err)
	topic.TopicID = [16]byte(details[c.Config.ActivityTopic].ID)
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis, req.Topics = -1, 10_000, append(req.Topics, topic)
	resp, err := req.RequestWith(c.T.Context(), c.Client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	}
	c.do("produce a record", err)
}

func TestRealTimestamps(t *testing.T) { t.Parallel(); testTimestamps(t, stacktest.Real(t)) }
func TestTimestamps(t *testing.T)     { t.Parallel(); testTimestamps(t, stacktest.Embedded(t)) }

// testTickFromTheFuture writes a tick that is centuries early: it is rejected,
// and the next one, of now, still awards what is due and nothing more.
func testTickFromTheFuture(t *testing.T, stack *stacktest.Stack) {
	cat, err := catalog.Parse("tenure", []byte(tenure))
	if err != nil {
		t.Fatal(err)
	}
	c := found(t, stack, cat, 1)
	now := time.Now().UTC()
	event := func(id, kind, subject string, at time.Time) *kgo.Record {
		return lines(fmt.Appendf(nil, `{"specversion":"1.0","id":"%s","source":"/s","type":"%s",%s"time":"%s","data":{}}`, id, kind, subject, at.Format(time.RFC3339)))[0]
	}
	c.Produce(
		event("old", "joined", `"subject":"old",`, now.AddDate(-2, 0, 0)),
		event("new", "joined", `"subject":"new",`, now.AddDate(0, 0, -3)),
		event("t1", schemas.TickType, "", now.AddDate(300, 0, 0)),
		event("t2", schemas.TickType, "", now.Add(25*time.Hour)),
		event("t3", schemas.TickType, "", now.Add(23*time.Hour)),
		event("late", "joined", `"subject":"late",`, now.AddDate(-1, 0, -1)),
	)
	if sum := c.Drain(); sum.Rejected != 2 || sum.Awarded != 2 {
		t.Errorf("two ticks from the future gave %+v, want both rejected and two badges", sum)
	}
	for _, b := range c.Badges() {
		if b.User == "new" || b.EarnedAt > now.AddDate(1, 0, 0).UnixMicro() {
			t.Errorf("a badge of the future: %+v", b)
		}
	}
	for _, l := range c.Read(c.Config.DeadLetterTopic) {
		if d, _, err := schemas.ParseDeadLetter(l.Headers); err != nil || d.Reason != schemas.ReasonAttribute {
			t.Errorf("a tick became the dead letter %+v: %v", d, err)
		}
	}
}

func TestRealTickFromTheFuture(t *testing.T) {
	t.Parallel()
	testTickFromTheFuture(t, stacktest.Real(t))
}
func TestTickFromTheFuture(t *testing.T) {
	t.Parallel()
	testTickFromTheFuture(t, stacktest.Embedded(t))
}

// TestRealTimestampFromTheFuture wants Kafka to refuse what no clock of its own
// bears out, as the engine relies on that for ticks.
func TestRealTimestampFromTheFuture(t *testing.T) {
	t.Parallel()
	c := found(t, stacktest.Real(t), grouptest.Catalog(t, "starview"), 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, topic := range []string{c.Config.ActivityTopic, c.Config.Group + ".control"} {
		early := visits(1, "u1")[0]
		early.Topic, early.Timestamp = topic, time.Now().Add(2*time.Hour)
		if err := c.Client.ProduceSync(ctx, early).FirstErr(); err == nil {
			t.Errorf("%s takes a record from the future", topic)
		}
	}
}
