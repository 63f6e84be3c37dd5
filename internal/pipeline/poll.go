package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// poll takes over what the group decided, and records until a batch is full or
// Kafka has no more. It waits only if there is nothing to do.
//
// The client fetches ahead once: what it holds when it is asked was there soon
// after the last poll, and what came since, during a whole batch, was not yet
// fetched. So records that were there at once are followed by one more poll:
// without it, every other batch would be a few records and all the others
// would wait for two.
//
// It polls at least once, though enough may wait: what the group decided comes
// with a poll.
func (w *worker) poll(ctx context.Context) error {
	wait, followed, polled := idle, false, false
	for n, size := w.queued(); !polled || n < w.limit && size < w.mostBytes; n, size = w.queued() {
		most := w.limit - n
		switch {
		case most <= 0 || size >= w.mostBytes:
			wait, most = time.Millisecond, 1
		case n > 0 && w.behind():
			wait = 50 * time.Millisecond
		case n > 0:
			wait = freshFetch
		case w.pending():
			wait = time.Millisecond
		case slices.ContainsFunc(w.order, func(p *partition) bool { return p.asked != nil }):
			wait = switchLook
		}
		began := time.Now()
		polling, cancel := context.WithTimeout(ctx, wait)
		fetches := w.session.PollRecords(polling, most)
		polled = true
		ended := polling.Err() != nil
		cancel()
		waited := time.Since(began) > atOnce
		if fetches.IsClientClosed() {
			return errors.New("the Kafka client was closed")
		}
		stale, err := w.own(ctx)
		if err != nil {
			return err
		}
		if stale {
			if err := fenced(fetches); err != nil {
				return err
			}
			continue
		}
		if err := w.take(fetches, ended); err != nil {
			return err
		}
		m, _ := w.queued()
		if w.behind() && m > n {
			continue
		}
		if m == n || waited || followed {
			break
		}
		followed = true
	}
	return nil
}

// fenced finds that the group knows another member under our name, one that
// came later, or that a coordinator remembers which lost its latest records.
// The client would ask again as the member that it was, for ever; a new worker
// takes the name back.
func fenced(fetches kgo.Fetches) (err error) {
	fetches.EachError(func(_ string, _ int32, e error) {
		if errors.Is(e, kerr.FencedInstanceID) {
			err = errors.Wrap(e, "stay in the group")
		}
	})
	return err
}

func (w *worker) take(fetches kgo.Fetches, ended bool) error {
	list, err := w.copied(fetches, ended)
	w.push(list)
	return err
}

// fetched is what one poll gave of a partition, copied.
type fetched struct {
	projections.TopicPartition
	records []record
	// stable is the last stable offset then.
	stable int64
}

// copied takes the records out of what was polled. ended says that the poll's
// time was over: that is no error.
func (w *worker) copied(fetches kgo.Fetches, ended bool) (list []fetched, err error) {
	fetches.EachError(func(topic string, id int32, e error) {
		if ended && errors.IsAny(e, context.DeadlineExceeded, context.Canceled) {
			return
		}
		err = errors.CombineErrors(err, errors.Wrapf(e, "read %s/%d", topic, id))
	})
	if err != nil {
		return nil, err
	}
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		if len(f.Records) > 0 {
			list = append(list, fetched{
				projections.TopicPartition{Topic: f.Topic, Partition: f.Partition}, w.packer.all(f.Records), f.LastStableOffset})
		}
	})
	return list, nil
}

func (w *worker) push(list []fetched) {
	for _, f := range list {
		if p := w.parts[f.TopicPartition]; p != nil {
			p.push(f.records, f.stable)
		}
	}
}

// queued is what the next batch may take. What waits behind a tick or a switch is not of
// it: it must not keep the worker from polling for its other partitions.
func (w *worker) queued() (records, size int) {
	for _, p := range w.order {
		if !p.waits() {
			records += len(p.queue)
			size += p.bytes
		}
	}
	return records, size
}

func (w *worker) pending() bool {
	return slices.ContainsFunc(w.order, func(p *partition) bool { return p.tick != nil || p.recoverable() })
}

func (w *worker) behind() bool { return slices.ContainsFunc(w.order, (*partition).behind) }
