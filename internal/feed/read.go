package feed

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Span says which part of a topic to read.
type Span struct {
	// Beginning is set to read from the start of the topic, not from now on.
	Beginning bool
	// Follow is set to go on for ever, not to the end as it is at the start.
	Follow bool
}

// Read calls each for the committed records of a topic, in the order of each
// partition. It returns at the end of the span, or with the error of each or
// of the context.
func Read(ctx context.Context, brokers []string, topic string, span Span, each func(*kgo.Record) error) error {
	starts, ends, err := bounds(ctx, brokers, topic)
	if err != nil {
		return err
	}
	if !span.Beginning {
		starts = ends
	}
	// left are the partitions that are not read to their end.
	left, offsets := map[int32]int64{}, map[int32]kgo.Offset{}
	for p, start := range starts {
		if span.Follow || start < ends[p] {
			left[p], offsets[p] = ends[p], kgo.NewOffset().At(start)
		}
	}
	if len(left) == 0 {
		return nil
	}
	client, err := Connect(ctx, brokers,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// The last thing before an end may be the mark of a transaction: it is
		// no badge event, but it tells that the end is reached.
		kgo.KeepControlRecords(),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	for span.Follow || len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if failed := fetches.Errors(); len(failed) > 0 {
			return errors.Wrapf(failed[0].Err, "read partition %d of topic %s", failed[0].Partition, failed[0].Topic)
		}
		if err := pass(fetches, left, span, each); err != nil {
			return err
		}
	}
	return nil
}

// pass hands on the records of one poll, and strikes out what is read to its
// end.
func pass(fetches kgo.Fetches, left map[int32]int64, span Span, each func(*kgo.Record) error) error {
	for it := fetches.RecordIter(); !it.Done(); {
		r := it.Next()
		end, reading := left[r.Partition]
		if !reading {
			continue
		}
		past := !span.Follow && r.Offset >= end
		if !past && !r.Attrs.IsControl() {
			if err := each(r); err != nil {
				return err
			}
		}
		if !span.Follow && r.Offset >= end-1 {
			delete(left, r.Partition)
		}
	}
	return nil
}

// bounds gives where each partition of a topic starts, and how far it is
// stable: past that, transactions are not decided.
func bounds(ctx context.Context, brokers []string, topic string) (starts, ends map[int32]int64, err error) {
	client, err := Connect(ctx, brokers)
	if err != nil {
		return nil, nil, err
	}
	defer client.Close()
	adm := kadm.NewClient(client)
	if err := checkTopic(ctx, adm, topic); err != nil {
		return nil, nil, err
	}
	if starts, err = byPartition(topic)(adm.ListStartOffsets(ctx, topic)); err != nil {
		return nil, nil, err
	}
	ends, err = byPartition(topic)(adm.ListCommittedOffsets(ctx, topic))
	return starts, ends, err
}

// byPartition takes the answer of a listing.
func byPartition(topic string) func(kadm.ListedOffsets, error) (map[int32]int64, error) {
	return func(listed kadm.ListedOffsets, err error) (map[int32]int64, error) {
		if err == nil {
			err = listed.Error()
		}
		at := map[int32]int64{}
		listed.Each(func(o kadm.ListedOffset) { at[o.Partition] = o.Offset })
		return at, errors.Wrapf(err, "list the offsets of topic %s", topic)
	}
}
