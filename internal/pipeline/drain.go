package pipeline

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
)

// drainPoll is how often the group's committed offsets are looked at.
const drainPoll = 100 * time.Millisecond

// caughtUp reports whether Postgres has folded, and Redis holds, all that is
// published. They have not while a Postgres that was restored from a backup is
// folded again, or a Redis that lost snapshots is written anew.
func (e *engine) caughtUp(ctx context.Context, ks map[projections.TopicPartition]projections.Position) bool {
	ps, err := e.positions(ctx)
	if err != nil {
		e.log.WarnContext(ctx, "the fold offsets cannot be read now", "error", err)
		return false
	}
	for id, k := range ks {
		if compare(ps[id], k) < 0 {
			return false
		}
	}
	lost, err := e.lost(ctx)
	if err != nil {
		e.log.WarnContext(ctx, "the marker in Redis cannot be read now", "error", err)
	}
	return err == nil && !lost
}

// drained waits until the group's committed offsets have reached the ends of
// now, whoever folds them. What is committed is published, and was in Redis
// before. Control records count: workers fold past them.
func (e *engine) drained(ctx context.Context) error {
	ends, err := listed(ctx, e.adm.ListCommittedOffsets, e.cfg.sources()...)
	if err != nil {
		return errors.Wrap(err, "find the ends of the topics")
	}
	for {
		ks, _, err := committed(ctx, e.adm, e.cfg.Group, e.cfg.sources()...)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the engine stops: what was asked last does not matter
		}
		if err != nil {
			e.log.WarnContext(ctx, "the committed offsets cannot be read now", "error", err)
		}
		left := int64(0)
		for _, end := range ends.Offsets().Sorted() {
			k, ok := ks[projections.TopicPartition{Topic: end.Topic, Partition: end.Partition}]
			if !ok {
				left++ // an offset that got lost: the worker that gets the partition halts
			}
			left += max(0, end.At-k.Offset)
		}
		if err == nil && left == 0 && e.caughtUp(ctx, ks) {
			return nil
		}
		select {
		case <-time.After(drainPoll):
		case <-ctx.Done():
			return nil
		}
	}
}
