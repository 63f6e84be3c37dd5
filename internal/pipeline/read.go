package pipeline

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// readAll calls f for every record of a topic, from its beginning to its end
// of now, each partition in order.
func (e *engine) readAll(ctx context.Context, topic string, f func(*kgo.Record) error) error {
	starts, err := e.adm.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return errors.Wrapf(err, "find where %s begins", topic)
	}
	ends, err := e.adm.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
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
	cl, err := kgo.NewClient(append(isolated(&e.cfg), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))...)
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
