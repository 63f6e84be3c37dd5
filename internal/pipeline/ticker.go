package pipeline

import (
	"context"
	"strconv"
	"time"

	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"
)

// keepTicking tells the group what time it is. All processes wait for the same
// lock: the one that has it writes, and when it ends another goes on.
func (e *engine) keepTicking(ctx context.Context) error {
	for ctx.Err() == nil {
		err := e.Store.Alone(ctx, "tick", func() error { return e.tick(ctx) })
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the engine stops
		}
		e.log.WarnContext(ctx, "ticking stopped and starts again", "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	return nil
}

// tick writes a tick at each multiple of the interval. Its id is that moment,
// so that two writers in turn make a duplicate and not a second tick. Ticks
// have a partition of their own, as many users may be due by one.
func (e *engine) tick(ctx context.Context) error {
	opts := append([]kgo.Opt{kgo.SeedBrokers(e.cfg.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, e.Kafka...)
	cl, err := kgo.NewClient(append(opts, e.tel.KafkaOptions()...)...)
	if err != nil {
		return errors.Wrap(err, "make a Kafka client for ticks")
	}
	defer cl.Close()
	for {
		at := time.Now().Truncate(e.cfg.Tick)
		// A record whose answer was lost does not end with its context: waiting
		// for it would keep the engine from stopping while Kafka is away.
		written := make(chan error, 1)
		cl.Produce(ctx, e.tickRecord(at), func(_ *kgo.Record, err error) { written <- err })
		select {
		case err := <-written:
			if err != nil {
				return errors.Wrapf(err, "write a tick to %s", e.cfg.controlTopic())
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		// A clock that was put back meanwhile must not make it wait for longer.
		case <-time.After(min(time.Until(at.Add(e.cfg.Tick)), e.cfg.Tick)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (e *engine) tickRecord(at time.Time) *kgo.Record {
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	return &kgo.Record{Topic: e.cfg.controlTopic(), Partition: 0, Value: []byte("{}"), Headers: []kgo.RecordHeader{
		header("ce_specversion", "1.0"), header("ce_id", strconv.FormatInt(at.UnixMicro(), 10)),
		header("ce_source", "/badgestream/"+e.cfg.Group), header("ce_type", schemas.TickType),
		header("ce_time", schemas.FormatTime(at.UnixMicro())), header("content-type", "application/json"),
	}}
}
