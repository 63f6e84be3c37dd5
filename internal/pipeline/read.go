package pipeline

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// endsPatience is how long a transaction may stay open at the end of a topic:
// its time-out, and the broker's next look at those that are over.
const endsPatience = 30 * time.Second

// readAll calls f for every record of a topic, from its beginning to its end
// of now, each partition in order. It waits for transactions that are not
// ended: Kafka tells one partition after the other that one committed, so that
// the group's offsets can be seen before the records that belong to them.
func (e *engine) readAll(ctx context.Context, topic string, f func(*kgo.Record) error) error {
	starts, err := listed(ctx, e.adm.ListStartOffsets, topic)
	if err != nil {
		return errors.Wrapf(err, "find where %s begins", topic)
	}
	ends, err := e.settledEnds(ctx, topic)
	if err != nil {
		return errors.Wrapf(err, "find where %s ends", topic)
	}
	from, left := map[int32]kgo.Offset{}, map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if start, ok := starts.Lookup(topic, end.Partition); ok && start.Offset < end.Offset {
			from[end.Partition], left[end.Partition] = kgo.NewOffset().At(start.Offset), end.Offset
		}
	})
	if len(left) == 0 {
		return nil
	}
	cl, err := kgo.NewClient(append(e.isolated(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))...)
	if err != nil {
		return errors.Wrap(err, "make a Kafka client")
	}
	defer cl.Close()
	for len(left) > 0 {
		patience, cancel := context.WithTimeout(ctx, warmPatience)
		fetches := cl.PollFetches(patience)
		cancel()
		if err := fetches.Err(); err != nil {
			return errors.Wrapf(err, "read %s", topic)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
			if r.Attrs.IsControl() {
				continue
			}
			if err := f(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// settledEnds are the ends of a topic's partitions once nothing before the ends
// of now is undecided.
func (e *engine) settledEnds(ctx context.Context, topic string) (kadm.ListedOffsets, error) {
	written, err := listed(ctx, e.adm.ListEndOffsets, topic)
	if err != nil {
		return nil, err
	}
	for began := time.Now(); ; {
		ends, err := listed(ctx, e.adm.ListCommittedOffsets, topic)
		if err != nil {
			return nil, err
		}
		undecided := false
		ends.Each(func(end kadm.ListedOffset) {
			last, ok := written.Lookup(topic, end.Partition)
			undecided = undecided || ok && end.Offset < last.Offset
		})
		switch {
		case !undecided:
			return ends, nil
		case time.Since(began) > endsPatience:
			return nil, errors.Newf("a transaction at the end of %s has been open for %v", topic, endsPatience)
		}
		select {
		case <-time.After(drainPoll):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
