package projections

import (
	"context"

	"github.com/badgestream/badgestream/internal/catalog"
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

// DecisionsBeside counts the decisions that stand, about a badge that the
// catalogue does not have, and gives some of them, in the order of the log.
func (m *Moment) DecisionsBeside(ctx context.Context, cat *catalog.Catalog, samples int) (count int64, list []Decision, err error) {
	known := make([]string, len(cat.Badges))
	for i := range cat.Badges {
		known[i] = cat.Badges[i].Slug
	}
	sql := `WITH last AS (SELECT DISTINCT ON (user_id, badge, verb IN ('pin', 'unpin')) * FROM ` + schema(m.group) + `.decision WHERE badge <> ALL($1::text[])
  ORDER BY user_id, badge, verb IN ('pin', 'unpin'), topic, partition, "offset" DESC),
stands AS (SELECT * FROM last WHERE verb IN ('grant', 'revoke', 'pin'))
`
	if err := m.tx.QueryRow(ctx, sql+`SELECT count(*) FROM stands`, known).Scan(&count); err != nil {
		return 0, nil, errors.Wrap(err, "count decisions about badges that are not there")
	}
	rows, err := m.tx.Query(ctx, sql+`SELECT `+decisionColumns+` FROM stands ORDER BY topic, partition, "offset" LIMIT $2`, known, samples)
	if err != nil {
		return 0, nil, errors.Wrap(err, "read decisions about badges that are not there")
	}
	list, err = collectDecisions(rows)
	return count, list, err
}
