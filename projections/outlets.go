package projections

import (
	"context"

	"github.com/cockroachdb/errors"
)

// Outlets are the topics that a group reads and publishes to, for good: what
// its committed offsets call published stands on these.
type Outlets struct {
	ActivityTopic   string
	AwardTopic      string
	AwardTopicID    TopicID
	DeadLetterTopic string
}

// BindOutlets makes the outlets the group's, if it has none yet, and returns
// those that it has. Migrate must have run.
func (s *Store) BindOutlets(ctx context.Context, o Outlets) (bound Outlets, err error) {
	_, err = s.pool.Exec(ctx, `INSERT INTO `+schema(s.group)+`.outlets (activity_topic, award_topic, award_topic_id, dead_letter_topic) VALUES ($1, $2, $3, $4)
ON CONFLICT (one) DO NOTHING`, o.ActivityTopic, o.AwardTopic, o.AwardTopicID, o.DeadLetterTopic)
	if err != nil {
		return Outlets{}, errors.Wrapf(err, "write down the topics of group %s", s.group)
	}
	err = s.pool.QueryRow(ctx, `SELECT activity_topic, award_topic, award_topic_id, dead_letter_topic FROM `+schema(s.group)+`.outlets`).
		Scan(&bound.ActivityTopic, &bound.AwardTopic, &bound.AwardTopicID, &bound.DeadLetterTopic)
	return bound, errors.Wrapf(err, "read the topics of group %s", s.group)
}
