package deadletters

import (
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/logreader"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// reconcile notes what was redriven and not noted, because somebody was killed
// between the two or because Postgres was restored: the records of the log that
// say so of themselves.
func (r *Redriver) reconcile(ctx context.Context) error {
	from, err := r.store.UnnotedFrom(ctx)
	if err != nil || len(from) == 0 {
		return err
	}
	topics := map[string]bool{}
	for p := range from {
		topics[p.Topic] = true
	}
	bounds, err := r.log.Settled(ctx, slices.Sorted(maps.Keys(topics))...)
	if err != nil {
		return err
	}
	stretches, marks := map[logreader.Partition]logreader.Bounds{}, map[projections.TopicPartition]int64{}
	for p, at := range from {
		id := logreader.Partition{Topic: p.Topic, Number: p.Partition}
		b := bounds[id]
		stretches[id] = logreader.Bounds{Start: max(b.Start, at), End: b.End}
		marks[p] = b.End
	}
	var list []projections.Redrive
	err = r.log.Read(ctx, stretches, func(rec *kgo.Record) error {
		r.result.Looked++
		if d, ok := redriven(rec); ok {
			list = append(list, d)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.result.Found = len(list)
	return r.store.NoteRedriven(ctx, list, marks)
}

// redriven reads what a record says of itself.
func redriven(rec *kgo.Record) (projections.Redrive, bool) {
	original, ok := schemas.Redriven(rec.Headers, rec.Topic, rec.Partition, rec.Offset)
	d := projections.Redrive{To: rec.Offset, Key: rec.Key, Value: rec.Value,
		Letter: projections.Place{TopicPartition: projections.TopicPartition{Topic: rec.Topic, Partition: rec.Partition}, Offset: original}}
	for _, h := range rec.Headers {
		if h.Key == schemas.RedrivenByHeader {
			d.By = string(h.Value)
		}
	}
	return d, ok
}
