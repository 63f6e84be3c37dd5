// Package logreader reads stretches of topics for people's commands: committed
// records alone, each partition in its order, without a consumer group.
package logreader

import (
	"context"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/feed"
)

const (
	// readPatience is how long nothing may come though something is there.
	readPatience = 60 * time.Second
	fetchBytes   = 8 << 20
)

// Partition names one partition of a topic.
type Partition struct {
	Topic  string
	Number int32
}

// Bounds are where a partition's log begins and where it ends, up to the last
// record that is decided.
type Bounds struct{ Start, End int64 }

// Reader reads topics. It is used by one goroutine.
type Reader struct {
	opts []kgo.Opt
	cl   *kgo.Client
	adm  *kadm.Client
}

// Open connects. The error is one sentence if no broker answers.
func Open(ctx context.Context, brokers []string) (*Reader, error) {
	opts := []kgo.Opt{
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// The mark of a transaction can be the last before an end.
		kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxBytes(fetchBytes),
	}
	cl, err := feed.Connect(ctx, brokers, opts...)
	if err != nil {
		return nil, err
	}
	return &Reader{opts: append(opts, kgo.SeedBrokers(brokers...)), cl: cl, adm: kadm.NewClient(cl)}, nil
}

// Close ends the connections.
func (r *Reader) Close() { r.cl.Close() }

// Bounds says where the partitions of topics begin and end.
func (r *Reader) Bounds(ctx context.Context, topics ...string) (map[Partition]Bounds, error) {
	starts, err := listed(r.adm.ListStartOffsets(ctx, topics...))
	if err != nil {
		return nil, errors.Wrapf(err, "find where %s begin", strings.Join(topics, ", "))
	}
	ends, err := listed(r.adm.ListCommittedOffsets(ctx, topics...))
	if err != nil {
		return nil, errors.Wrapf(err, "find where %s end", strings.Join(topics, ", "))
	}
	bounds := map[Partition]Bounds{}
	for p, start := range starts {
		bounds[p] = Bounds{Start: start, End: ends[p]}
	}
	return bounds, nil
}

// Compacted says of topics whether they are compacted.
func (r *Reader) Compacted(ctx context.Context, topics ...string) (map[string]bool, error) {
	configs, err := r.adm.DescribeTopicConfigs(ctx, topics...)
	if err != nil {
		return nil, errors.Wrapf(err, "ask for the settings of %s", strings.Join(topics, ", "))
	}
	compacted := map[string]bool{}
	for _, c := range configs {
		if c.Err != nil {
			return nil, errors.Wrapf(c.Err, "ask for the settings of topic %s", c.Name)
		}
		for _, s := range c.Configs {
			if s.Key == "cleanup.policy" {
				compacted[c.Name] = strings.Contains(s.MaybeValue(), "compact")
			}
		}
	}
	return compacted, nil
}

func listed(offsets kadm.ListedOffsets, err error) (map[Partition]int64, error) {
	if err == nil {
		err = offsets.Error()
	}
	at := map[Partition]int64{}
	offsets.Each(func(o kadm.ListedOffset) { at[Partition{o.Topic, o.Partition}] = o.Offset })
	return at, err
}

// Read calls each for the records of the stretches. A stretch must lie within
// the bounds of its partition. The record is the caller's during the call. An
// error of each ends it and is returned.
func (r *Reader) Read(ctx context.Context, stretches map[Partition]Bounds, each func(*kgo.Record) error) error {
	from, left := map[string]map[int32]kgo.Offset{}, map[Partition]int64{}
	for p, b := range stretches {
		if b.Start >= b.End {
			continue
		}
		if from[p.Topic] == nil {
			from[p.Topic] = map[int32]kgo.Offset{}
		}
		from[p.Topic][p.Number], left[p] = kgo.NewOffset().At(b.Start), b.End
	}
	if len(left) == 0 {
		return nil
	}
	cl, err := kgo.NewClient(append(r.opts[:len(r.opts):len(r.opts)], kgo.ConsumePartitions(from))...)
	if err != nil {
		return errors.Wrap(err, "make a Kafka client")
	}
	defer cl.Close()
	for len(left) > 0 {
		patience, cancel := context.WithTimeout(ctx, readPatience)
		fetches := cl.PollFetches(patience)
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if failed := fetches.Errors(); len(failed) > 0 {
			return errors.Wrapf(failed[0].Err, "read partition %d of topic %s", failed[0].Partition, failed[0].Topic)
		}
		if err := pass(fetches, left, each); err != nil {
			return err
		}
	}
	return nil
}

// pass hands on the records of one poll, and strikes out what is read to its end.
func pass(fetches kgo.Fetches, left map[Partition]int64, each func(*kgo.Record) error) error {
	for it := fetches.RecordIter(); !it.Done(); {
		r := it.Next()
		p := Partition{r.Topic, r.Partition}
		end, reading := left[p]
		if !reading {
			continue
		}
		if r.Offset < end && !r.Attrs.IsControl() {
			if err := each(r); err != nil {
				return err
			}
		}
		if r.Offset >= end-1 {
			delete(left, p)
		}
	}
	return nil
}

const (
	settlePatience = 60 * time.Second
	settlePause    = 50 * time.Millisecond
)

// Settled are the bounds once nothing before the ends of now is undecided: an
// open transaction hides what was committed after it began.
func (r *Reader) Settled(ctx context.Context, topics ...string) (map[Partition]Bounds, error) {
	written, err := listed(r.adm.ListEndOffsets(ctx, topics...))
	if err != nil {
		return nil, errors.Wrapf(err, "find where %s end", strings.Join(topics, ", "))
	}
	for began := time.Now(); ; {
		bounds, err := r.Bounds(ctx, topics...)
		if err != nil {
			return nil, err
		}
		open := Partition{Number: -1}
		for p, end := range written {
			if bounds[p].End < end {
				open = p
			}
		}
		switch {
		case open.Number < 0:
			return bounds, nil
		case time.Since(began) > settlePatience:
			return nil, errors.Newf("a transaction at the end of %s/%d has been open for %v: try again once its producer has ended it", open.Topic, open.Number, settlePatience)
		}
		select {
		case <-time.After(settlePause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
