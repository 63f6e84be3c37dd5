package projections

import (
	"context"

	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// HistoryRow is one award or revocation as it stands in Postgres.
type HistoryRow struct {
	TopicPartition
	Offset, Ordinal int64
	User            string
	Badge           string // slug
	Category        string
	Criterion       string
	Tier            int32
	Revoked         bool
	// At is the cause's time and EarnedAt when the badge was earned, both in
	// Unix microseconds.
	At, EarnedAt   int64
	EventID        string
	EventSource    string
	Counters       schemas.Numbers
	Version        int64 // the user's
	CatalogVersion int32
	Reason         schemas.BadgeReason
}

const historyColumns = `topic, partition, "offset", ordinal, user_id, badge, category, criterion, tier, revoked,
(extract(epoch FROM at) * 1000000)::bigint, (extract(epoch FROM earned_at) * 1000000)::bigint,
event_id, event_source, counters::text, user_version, catalog_version, reason`

// Mark is a place in the history of a partition: before the change of that
// ordinal of the record at that offset.
type Mark struct {
	Offset, Ordinal int64
}

// HistoryRange calls f for the changes of a partition from one mark (that
// included) up to another (that excluded), in order. The row is the caller's.
// An error of f ends it and is returned.
func (s *Store) HistoryRange(ctx context.Context, p TopicPartition, from, to Mark, f func(*HistoryRow) error) error {
	err := s.history(ctx, p, from, to, f)
	return errors.Wrapf(err, "read the history of %s/%d from %d.%d to %d.%d", p.Topic, p.Partition, from.Offset, from.Ordinal, to.Offset, to.Ordinal)
}

func (s *Store) history(ctx context.Context, p TopicPartition, from, to Mark, f func(*HistoryRow) error) error {
	rows, err := s.pool.Query(ctx, `SELECT `+historyColumns+`
FROM `+schema(s.group)+`.history
WHERE topic = $1 AND partition = $2 AND ("offset", ordinal) >= ($3, $4) AND ("offset", ordinal) < ($5, $6)
ORDER BY "offset", ordinal`, p.Topic, p.Partition, from.Offset, from.Ordinal, to.Offset, to.Ordinal)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scanHistory(rows)
		if err != nil {
			return err
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

func scanHistory(rows pgx.Rows) (*HistoryRow, error) {
	var r HistoryRow
	var counters string
	if err := rows.Scan(&r.Topic, &r.Partition, &r.Offset, &r.Ordinal, &r.User, &r.Badge, &r.Category, &r.Criterion, &r.Tier, &r.Revoked,
		&r.At, &r.EarnedAt, &r.EventID, &r.EventSource, &counters, &r.Version, &r.CatalogVersion, &r.Reason); err != nil {
		return nil, err
	}
	return &r, errors.Wrap(r.Counters.UnmarshalJSON([]byte(counters)), "column counters")
}
