package snapshots

import (
	"context"

	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
)

// advance moves the marker on to the ends of the ranges. It comes after the
// snapshots: Redis loses the latest of what it was told, so where the mark
// survived, all that came before it did.
func (w *Writer) advance(ctx context.Context, from []projections.LedgerRow) error {
	if len(from) == 0 {
		return nil
	}
	cmds, err := w.scripts.run(ctx, w.rdb, func(p redis.Pipeliner) {
		for i := range from {
			tp := from[i].TopicPartition
			w.scripts.raise.EvalSha(ctx, p, []string{markerKey(w.group)}, field(tp), w.expects(tp), mark(from[i].To))
		}
	})
	if err != nil {
		return errors.Wrap(err, "move the marker on")
	}
	lost := false
	for i := range from {
		// What is lost already stays expected, so that the next write says it
		// again, until a refresh has moved the marker.
		if !said(cmds[i]) {
			lost = true
			continue
		}
		w.expected[from[i].TopicPartition] = from[i].To
	}
	if lost {
		return ErrRefreshNeeded
	}
	return nil
}

// expects is the mark that must be there: none for a partition of which nothing
// is known.
func (w *Writer) expects(p projections.TopicPartition) string {
	if k, ok := w.expected[p]; ok {
		return mark(k)
	}
	return ""
}

// Check looks whether Redis still has what it acknowledged, and returns
// ErrRefreshNeeded if not. It notices a flush also while nothing is written.
func (w *Writer) Check(ctx context.Context) error {
	if len(w.expected) == 0 {
		return nil
	}
	marks, err := w.rdb.HGetAll(ctx, markerKey(w.group)).Result()
	if err != nil {
		return errors.Wrap(err, "read the marker")
	}
	for p, expected := range w.expected {
		if marks[field(p)] < mark(expected) {
			return ErrRefreshNeeded
		}
	}
	return nil
}

// Distrust takes a partition's mark away, where it is not known which
// snapshots of what lies before a position were written. From then on Redis
// counts as having lost some, until a refresh.
func (w *Writer) Distrust(ctx context.Context, p projections.TopicPartition, before projections.Position) error {
	w.expected[p] = before
	return errors.Wrapf(w.rdb.HDel(ctx, markerKey(w.group), field(p)).Err(), "take back the mark of %s", field(p))
}
