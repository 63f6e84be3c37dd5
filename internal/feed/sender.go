package feed

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// grace is how long a sender that was told to stop goes on delivering what it
// accepted.
const grace = 10 * time.Second

// Sender writes records to one topic: idempotently, acknowledged by all
// replicas, and each key's in the order in which they were sent. A key goes to
// the partition that Kafka's own producers choose for it.
type Sender struct {
	client *kgo.Client
	topic  string
	pace   Pace
	// work outlives the caller's context by the grace.
	work   context.Context
	cancel context.CancelFunc

	delivered atomic.Int64
	mu        sync.Mutex // guards what follows
	tooLarge  []int64
	failed    error
}

// OpenSender connects, and checks that the topic is there. Rate is how many
// records a second are sent at most; 0 is as many as go.
func OpenSender(ctx context.Context, brokers []string, topic string, rate float64) (*Sender, error) {
	limit := int32(usualLimit)
	client, err := Connect(ctx, brokers,
		kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // murmur2, as Kafka's own
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()),
		// It is asked when records are sent: by then the topic was.
		kgo.ProducerBatchMaxBytesFn(func(string) int32 { return limit }),
		kgo.ProducerLinger(5*time.Millisecond),
		kgo.MaxBufferedRecords(50_000),
		kgo.MaxBufferedBytes(64<<20),
	)
	if err != nil {
		return nil, err
	}
	if limit, err = recordLimit(ctx, kadm.NewClient(client), topic); err != nil {
		client.Close()
		return nil, err
	}
	s := &Sender{client: client, topic: topic, pace: Pace{rate: rate}}
	s.work, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(grace, s.cancel) })
	return s, nil
}

// The size of batches where the topic does not say, and at most: Kafka's
// default less some framing, and less than the client writes at once.
const (
	usualLimit = 1_000_012
	mostLimit  = 64 << 20
)

// recordLimit is the topic's max.message.bytes, as it bounds a batch.
func recordLimit(ctx context.Context, adm *kadm.Client, topic string) (int32, error) {
	if err := checkTopic(ctx, adm, topic); err != nil {
		return 0, err
	}
	configs, err := adm.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return 0, errors.Wrapf(err, "read the settings of topic %s", topic)
	}
	found, err := configs.On(topic, nil)
	if err != nil {
		return 0, errors.Wrapf(err, "read the settings of topic %s", topic)
	}
	for _, c := range found.Configs {
		if c.Key != "max.message.bytes" || c.Value == nil {
			continue
		}
		if n, err := strconv.Atoi(*c.Value); err == nil {
			return int32(min(n, mostLimit)), nil
		}
	}
	return usualLimit, nil
}

// Send takes one record; number is what TooLarge calls it. It waits for its
// turn and for room, and returns an error if records cannot be delivered or if
// the context ends. A record that was accepted is delivered unless Finish says
// otherwise.
func (s *Sender) Send(ctx context.Context, number int64, r *kgo.Record) error {
	if err := s.pace.Wait(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	err := s.failed
	s.mu.Unlock()
	if err != nil {
		return err
	}
	//nolint:contextcheck // what is accepted outlives the caller's context by the grace
	s.client.Produce(s.work, r, func(_ *kgo.Record, err error) { s.settled(number, err) })
	return nil
}

// settled notes what became of a record.
func (s *Sender) settled(number int64, err error) {
	if err == nil {
		s.delivered.Add(1)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(err, kerr.MessageTooLarge) {
		s.tooLarge = append(s.tooLarge, number)
	} else if s.failed == nil {
		s.failed = errors.Wrapf(err, "write record %d to topic %s", number, s.topic)
	}
}

// Finish waits until all that was accepted is delivered.
func (s *Sender) Finish() error {
	err := s.client.Flush(s.work)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	return errors.Wrapf(err, "write to topic %s", s.topic)
}

// TooLarge gives the numbers of the records that the topic refused for their
// size, once each.
func (s *Sender) TooLarge() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	numbers := s.tooLarge
	s.tooLarge = nil
	return numbers
}

// Delivered is how many records Kafka has acknowledged.
func (s *Sender) Delivered() int64 { return s.delivered.Load() }

// Close gives up what is not delivered yet.
func (s *Sender) Close() {
	s.cancel()
	s.client.Close()
}
