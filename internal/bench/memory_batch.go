package bench

import (
	"context"
	"fmt"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/feed"
	"github.com/badgestream/badgestream/internal/traffic"
	"github.com/badgestream/badgestream/projections"
)

// What one batch holds at most: so many events, each of another user.
const (
	largeBatch   = 100_000
	largeBatches = 3
)

// memoryOfLargeBatches has one worker take batches of 100,000 events, each of
// which credits another user, whom nobody has seen before.
func (b *bench) memoryOfLargeBatches(ctx context.Context, r *Result) (err error) {
	const name, round = "memory-batch", 1
	group := b.group(name, round)
	topic := group + ".activity"
	defer func() { err = errors.CombineErrors(err, b.Servers.sweep(ctx, group)) }()
	large := *b
	// In a single partition, each row of the ledger is a batch.
	large.Workers, large.Batch, large.Workload.Partitions = 1, largeBatch, 1
	large.Workload.Events = min(b.Workload.Events, largeBatches*largeBatch)
	c := large.engine(name, topic, round)
	if _, err := b.execute(ctx, c.setUp); err != nil {
		return err
	}
	if err := large.fillStrangers(ctx, topic); err != nil {
		return err
	}
	end, err := b.execute(ctx, c.args)
	if err != nil {
		return err
	}
	peak, known := b.peak(name, end.peakMemory)
	if !known {
		return nil
	}
	r.memory("batches of 100,000 users", peak)
	// That they were so large is seen, not assumed: the engine bounds a batch by
	// its bytes as well, and takes what is there when Kafka is slow.
	largest, err := b.largestBatch(ctx, group, large.Workload.Events)
	if err != nil {
		return err
	}
	r.add(Figure{Measure: memoryMeasure, Name: "users in the largest of these", Value: float64(largest), Unit: "users"})
	return nil
}

// largestBatch asks the ledger of a group that has folded a single partition
// with so many events.
func (b *bench) largestBatch(ctx context.Context, group string, events int64) (largest int64, err error) {
	store, err := projections.Open(ctx, b.Servers.Postgres, group)
	if err != nil {
		return 0, err
	}
	defer store.Close()
	const page = 1000
	folded, last := int64(0), int64(0)
	for {
		rows, err := store.LedgerAfter(ctx, last, page)
		if err != nil {
			return 0, err
		}
		if len(rows) == 0 {
			break
		}
		for i := range rows {
			n := rows[i].To.Offset - rows[i].From.Offset
			folded, largest, last = folded+n, max(largest, n), rows[i].Number
		}
	}
	if folded != events {
		return 0, errors.Newf("the ledger of group %s has %d of %d events", group, folded, events)
	}
	return largest, nil
}

// fillStrangers writes as many events as the workload has, each a first visit
// of a user of whom there is no other event. By the Starview catalogue each is
// awarded a badge for it. Names are short, as so many events with longer ones
// would have more bytes than the engine takes at once.
func (b *bench) fillStrangers(ctx context.Context, topic string) error {
	const unlimited, places = 0, 1000
	to, err := feed.OpenSender(ctx, b.Servers.Brokers, topic, unlimited)
	if err != nil {
		return err
	}
	defer to.Close()
	for n := range b.Workload.Events {
		e := traffic.Event{
			ID: fmt.Sprintf("v%d", n), Type: "starview.location.visited", Subject: fmt.Sprintf("s%d", n),
			Time: firstEvent + n*eventStep.Microseconds(), Data: fmt.Appendf(nil, `{"location":"p%d"}`, n%places),
		}
		if err := to.Send(ctx, n+1, feed.Traffic(&e)); err != nil {
			return err
		}
	}
	return to.Finish()
}
