package pipeline

import (
	"context"

	"github.com/badgestream/badgestream/projections"
)

// bindOutlets refuses topics that are not those which the group has used: what
// its committed offsets call published stands on these alone.
func (e *engine) bindOutlets(ctx context.Context) error {
	mine := projections.Outlets{ActivityTopic: e.cfg.ActivityTopic, AwardTopic: e.cfg.AwardTopic,
		AwardTopicID: e.topics[e.cfg.AwardTopic].id, DeadLetterTopic: e.cfg.DeadLetterTopic}
	bound, err := e.Store.BindOutlets(ctx, mine)
	if err != nil {
		return err
	}
	switch {
	case bound.ActivityTopic != mine.ActivityTopic:
		return halt("group %s folds topic %s, and not %s: start it with --activity-topic %s, or take another --group", e.cfg.Group, bound.ActivityTopic, mine.ActivityTopic, bound.ActivityTopic)
	case bound.AwardTopic != mine.AwardTopic:
		return halt("group %s publishes badge events to %s, and not to %s: start it with --award-topic %s, or take another --group", e.cfg.Group, bound.AwardTopic, mine.AwardTopic, bound.AwardTopic)
	case bound.DeadLetterTopic != mine.DeadLetterTopic:
		return halt("group %s publishes dead letters to %s, and not to %s: start it with --dead-letter-topic %s, or take another --group", e.cfg.Group, bound.DeadLetterTopic, mine.DeadLetterTopic, bound.DeadLetterTopic)
	case bound.AwardTopicID != mine.AwardTopicID:
		return halt("topic %s was deleted and created again: the badge events of group %s that were on it are gone; restore it, or begin anew with another --group", mine.AwardTopic, e.cfg.Group)
	}
	return nil
}
