package simtest

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// read returns all records of a topic that a read_committed reader sees, each
// partition in order.
func (w *World) read(ctx context.Context, topic string) (records []*kgo.Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.cfg.Brokers...), kgo.Dialer(w.net.Host(fair{}).DialContext), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, errors.Wrap(err, "make a Kafka client")
	}
	defer cl.Close()
	ends, err := settled(ctx, kadm.NewClient(cl), topic)
	if err != nil {
		return nil, errors.Wrapf(err, "find the end of %s", topic)
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, errors.Wrapf(err, "read %s", topic)
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
	return records, nil
}

// settled are the ends of a topic once no transaction is open: one of a process
// that has died hides what comes after it, until the broker has given it up.
func settled(ctx context.Context, adm *kadm.Client, topic string) (kadm.ListedOffsets, error) {
	for {
		stable, err := adm.ListCommittedOffsets(ctx, topic)
		if err == nil {
			err = stable.Error()
		}
		if err != nil {
			return nil, err
		}
		ends, err := adm.ListEndOffsets(ctx, topic)
		if err == nil {
			err = ends.Error()
		}
		if err != nil {
			return nil, err
		}
		open := false
		ends.Each(func(end kadm.ListedOffset) {
			at, ok := stable.Lookup(topic, end.Partition)
			open = open || !ok || at.Offset < end.Offset
		})
		if !open {
			return stable, nil
		}
		sleep(ctx, time.Second)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

func partitionOf(r *kgo.Record) projections.TopicPartition {
	return projections.TopicPartition{Topic: r.Topic, Partition: r.Partition}
}
