package projections

import (
	"context"

	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Decision is what a person decided about a badge, with the record that says
// so.
type Decision struct {
	schemas.Decision
	Cause schemas.Cause
	At    int64 // Unix microseconds
}

const decisionColumns = `topic, partition, "offset", event_id, event_source, verb, user_id, badge, by, reason, (extract(epoch FROM at) * 1000000)::bigint`

func collectDecisions(rows pgx.Rows) ([]Decision, error) {
	return collect(rows, "read decisions", func(d *Decision) []any {
		return []any{&d.Cause.Topic, &d.Cause.Partition, &d.Cause.Offset, &d.Cause.ID, &d.Cause.Source, &d.Verb, &d.User, &d.Badge, &d.By, &d.Reason, &d.At}
	})
}

// queueDecisions asks for all decisions about a user, in the order of the log.
func (s *Store) queueDecisions(batch *pgx.Batch, user string, a *Account) {
	batch.Queue(`SELECT `+decisionColumns+` FROM `+schema(s.group)+`.decision WHERE user_id = $1 ORDER BY topic, partition, "offset"`, user).Query(func(found pgx.Rows) error {
		var err error
		a.Decisions, err = collectDecisions(found)
		return err
	})
}

// DecisionAt is the decision that was folded at an offset, nil if none was.
func (s *Store) DecisionAt(ctx context.Context, p TopicPartition, offset int64) (*Decision, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+decisionColumns+` FROM `+schema(s.group)+`.decision WHERE topic = $1 AND partition = $2 AND "offset" = $3`, p.Topic, p.Partition, offset)
	if err != nil {
		return nil, errors.Wrapf(err, "look for a decision at %s/%d offset %d", p.Topic, p.Partition, offset)
	}
	list, err := collectDecisions(rows)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}
