package projections

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Kept is a badge that a user kept by a switch, which was the Number-th row of
// the ledger.
type Kept struct {
	Number   int64
	Badge    string
	EarnedAt int64 // Unix microseconds
}

// KeptBy returns what a user kept by switches, in their order.
func (s *Store) KeptBy(ctx context.Context, user string) ([]Kept, error) {
	base := schema(s.group)
	rows, err := s.pool.Query(ctx, `SELECT l.number, k.badge, (extract(epoch FROM k.earned_at) * 1000000)::bigint FROM `+base+`.kept k
JOIN `+base+`.ledger l ON (l.topic, l.partition, l.from_offset, l.from_step) = (k.topic, k.partition, k."offset", 0) WHERE k.user_id = $1 ORDER BY l.number, k.badge`, storable(user))
	if err != nil {
		return nil, errors.Wrapf(err, "read what user %q kept", user)
	}
	return collect(rows, "read what a user kept", func(k *Kept) []any { return []any{&k.Number, &k.Badge, &k.EarnedAt} })
}

// FoldedBefore is where each partition stood before a row of the ledger.
func (s *Store) FoldedBefore(ctx context.Context, number int64) ([]Standing, error) {
	rows, err := s.pool.Query(ctx, `SELECT topic, partition, max(to_offset) FROM `+schema(s.group)+`.ledger WHERE number < $1 GROUP BY topic, partition ORDER BY 1, 2`, number)
	if err != nil {
		return nil, errors.Wrapf(err, "read where the fold stood before row %d of the ledger", number)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (st Standing, err error) {
		err = row.Scan(&st.Topic, &st.Partition, &st.Offset)
		return st, err
	})
	return list, errors.Wrapf(err, "read where the fold stood before row %d of the ledger", number)
}
