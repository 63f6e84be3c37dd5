package pipeline

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// scrub empties the rejected records that name a user: of each stays where it
// stood and for which reason it was rejected. Their dead letters get tombstones
// before: whoever is killed in between finds them once more.
func (e *engine) scrub(ctx context.Context, user string) (scrubbed int64, err error) {
	if user == "" {
		return 0, nil
	}
	var theirs []projections.Place
	is := func(name string) bool { return name == user }
	err = e.postgres.RejectsWith(ctx, user, func(r *projections.Reject) error {
		if schemas.Names(is, r.Key, r.Value, r.Headers) {
			theirs = append(theirs, projections.Place{TopicPartition: r.TopicPartition, Offset: r.Offset})
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	topic := e.cfg.DeadLetterTopic
	tombstones := make([]*kgo.Record, len(theirs))
	for i, at := range theirs {
		tombstones[i] = &kgo.Record{
			Topic: topic, Partition: at.Partition % e.topics[topic].partitions,
			Key: schemas.DeadLetterKey(&schemas.DeadLetter{Topic: at.Topic, Partition: at.Partition, Offset: at.Offset}),
		}
	}
	if err := e.entomb(ctx, topic, tombstones); err != nil {
		return 0, err
	}
	for i := range theirs {
		if err := e.postgres.Scrub(ctx, &theirs[i]); err != nil {
			return scrubbed, err
		}
		scrubbed++
	}
	return scrubbed, nil
}
