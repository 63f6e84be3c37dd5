package oracle

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/oracle/recount"
)

// fetchBytes bounds what one fetch brings: each partition of the log has a
// client of its own, with one fetch in hand and one on its way.
const fetchBytes = 512 << 10

// consumer makes a client that reads partitions from given offsets. It keeps
// control records: they show how far a partition is read.
func consumer(brokers []string, isolation kgo.IsolationLevel, from map[recount.Partition]int64) (*kgo.Client, error) {
	starts := map[string]map[int32]kgo.Offset{}
	for p, at := range from {
		if starts[p.Topic] == nil {
			starts[p.Topic] = map[int32]kgo.Offset{}
		}
		starts[p.Topic][p.Partition] = kgo.NewOffset().At(at)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumePartitions(starts), kgo.FetchIsolationLevel(isolation), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchBytes))
	return cl, errors.Wrap(err, "make a Kafka client")
}

// poll waits for records, but not for ever: what is looked for is there. A
// busy broker has its time also where nothing is left to settle.
func (a *auditor) poll(ctx context.Context, cl *kgo.Client) (kgo.Fetches, error) {
	most := max(a.cfg.Settle, defaultSettle)
	patience, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	fetches := cl.PollRecords(patience, 10_000)
	err := fetches.Err()
	if err != nil && ctx.Err() == nil && patience.Err() != nil {
		err = errors.Newf("nothing came within %v", most)
	}
	if err == nil {
		err = a.throttle.took(ctx, fetches.NumRecords())
	}
	return fetches, err
}

// readTopic calls f for all records of a topic up to the ends. It tells where
// the partitions began.
func (a *auditor) readTopic(ctx context.Context, topic string, isolation kgo.IsolationLevel, ends map[recount.Partition]int64, f func(*kgo.Record)) (map[recount.Partition]int64, error) {
	starts, err := offsets(ctx, "first", a.adm.ListStartOffsets, topic)
	if err != nil {
		return nil, err
	}
	left := map[recount.Partition]int64{}
	for p, start := range starts {
		if start < ends[p] {
			left[p] = start
		}
	}
	if len(left) == 0 {
		return starts, nil
	}
	cl, err := consumer(a.cfg.Brokers, isolation, left)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	for len(left) > 0 {
		fetches, err := a.poll(ctx, cl)
		if err != nil {
			return nil, errors.Wrapf(err, "read topic %s", topic)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			p := recount.Partition{Topic: r.Topic, Partition: r.Partition}
			if r.Offset < ends[p] && !r.Attrs.IsControl() {
				f(r)
			}
			if r.Offset+1 >= ends[p] {
				delete(left, p)
			}
		})
	}
	return starts, nil
}

// logReader reads one partition of the log, in order.
type logReader struct {
	a       *auditor
	cl      *kgo.Client
	queue   []*kgo.Record
	seen    int64 // the offset after the last one that came
	records int64
}

func (a *auditor) newLogReader(p recount.Partition, from int64) (*logReader, error) {
	cl, err := consumer(a.cfg.Brokers, kgo.ReadCommitted(), map[recount.Partition]int64{p: from})
	return &logReader{a: a, cl: cl, seen: from}, err
}

// next takes the next record before an offset, or gives nil if there is none.
func (l *logReader) next(ctx context.Context, before int64) (*kgo.Record, error) {
	for {
		for len(l.queue) > 0 {
			r := l.queue[0]
			if r.Offset >= before {
				return nil, nil
			}
			l.queue[0] = nil
			l.queue = l.queue[1:]
			if !r.Attrs.IsControl() {
				l.records++
				return r, nil
			}
		}
		if l.seen >= before {
			return nil, nil
		}
		fetches, err := l.a.poll(ctx, l.cl)
		if err != nil {
			return nil, errors.Wrapf(err, "read the log up to offset %d", before)
		}
		l.queue = append(l.queue[:0:0], fetches.Records()...)
		if n := len(l.queue); n > 0 {
			l.seen = l.queue[n-1].Offset + 1
		}
	}
}

// throttle keeps to a rate.
type throttle struct {
	rate  int // a second; 0: none
	began time.Time
	n     int64
}

// took counts what was read, and waits where that was too much.
func (t *throttle) took(ctx context.Context, n int) error {
	if t.rate == 0 {
		return ctx.Err()
	}
	if t.began.IsZero() {
		t.began = time.Now()
	}
	t.n += int64(n)
	ahead := time.Duration(float64(t.n)/float64(t.rate)*float64(time.Second)) - time.Since(t.began)
	if ahead <= 0 {
		return ctx.Err()
	}
	return wait(ctx, ahead)
}
