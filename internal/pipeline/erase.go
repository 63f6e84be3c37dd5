package pipeline

import (
	"context"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/awards"
	"github.com/badgestream/badgestream/schemas"
)

// meetErasure takes a record that erases users. Where a generation is folded
// beside the live one, or again, it only says who is passed over from there on.
func meetErasure(_ context.Context, in *intake, p *partition, r *record) (processor.Verdict, error) {
	e, err := schemas.ParseErasure(in.event.Data)
	if err != nil {
		return processor.Unknown, err
	}
	if in.erases {
		in.erasing = &projections.Erasing{Erasure: e, Place: projections.Place{TopicPartition: p.TopicPartition, Offset: r.offset}, At: in.time(r)}
		return processor.Unknown, nil
	}
	if in.erased != nil {
		in.erased.Add(e.Users...)
		in.passOver(in.erased)
	}
	return processor.Folded, nil
}

// erase folds a record that erases users, by itself. Everybody who folds learns
// of it by the regime, this worker too: it begins anew.
func (w *worker) erase(ctx context.Context, p *partition, number int64) error {
	e := *p.erasing
	e.Number = number
	partitions := w.topics[w.cfg.AwardTopic].partitions
	e.Event = func(row *projections.HistoryRow) (string, int32) {
		event := awards.Event(w.cfg.Group, row)
		return event.ID(), spread(event.User, partitions)
	}
	if err := w.postgres.Erase(ctx, w.installed, &e); err != nil {
		return err
	}
	w.log.InfoContext(ctx, "users are erased", "users", len(e.Users), "topic", e.Topic, "offset", e.Offset, "by", e.By)
	_, err := w.follow(ctx)
	return err
}

// errErased ends a worker that has erased users.
var errErased = errors.New("users were erased: the worker begins anew")
