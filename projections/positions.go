package projections

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// TopicID is Kafka's id of a topic, which a topic of the same name that was
// made anew does not share.
type TopicID [16]byte

// Standing is where a partition's fold stands.
type Standing struct {
	TopicPartition
	TopicID TopicID
	Position
}

// Positions returns where the partitions of the topics stand, by topic and
// partition; without topics, where all do. A partition that was never seeded
// is not among them.
func (s *Store) Positions(ctx context.Context, topics ...string) ([]Standing, error) {
	return positions(ctx, s.pool, s.group, topics)
}

func positions(ctx context.Context, q interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, group string, topics []string) ([]Standing, error) {
	rows, err := q.Query(ctx, `SELECT topic, partition, topic_id, next, step, ordinal FROM `+schema(group)+`.fold_offset
WHERE coalesce(cardinality($1::text[]), 0) = 0 OR topic = ANY($1) ORDER BY topic, partition`, topics)
	if err != nil {
		return nil, errors.Wrapf(err, "read the fold offsets of %v", topics)
	}
	list, err := pgx.CollectRows(rows, scanStanding)
	return list, errors.Wrapf(err, "read the fold offsets of %v", topics)
}

func scanStanding(row pgx.CollectableRow) (st Standing, err error) {
	err = row.Scan(&st.Topic, &st.Partition, &st.TopicID, &st.Offset, &st.Step, &st.Ordinal)
	return st, err
}

// Seed writes down where the fold of each partition begins, for those that
// have no fold offset yet; the others stay as they are. It returns all of the
// given partitions as they stand then, and how many were seeded now: a
// partition that is there was seeded before, and its fold must go on from its
// position.
func (s *Store) Seed(ctx context.Context, seeds []Standing) (standing []Standing, seeded int, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		standing, seeded = make([]Standing, len(seeds)), 0
		for i := range seeds {
			if err := s.seed(ctx, tx, &seeds[i], &standing[i], &seeded); err != nil {
				return errors.Wrapf(err, "seed %s/%d at %d", seeds[i].Topic, seeds[i].Partition, seeds[i].Offset)
			}
		}
		return nil
	})
	return standing, seeded, err
}

func (s *Store) seed(ctx context.Context, tx pgx.Tx, seed, stands *Standing, seeded *int) error {
	tag, err := tx.Exec(ctx, `INSERT INTO `+schema(s.group)+`.fold_offset (topic, partition, topic_id, next) VALUES ($1, $2, $3, $4)
ON CONFLICT (topic, partition) DO NOTHING`, seed.Topic, seed.Partition, seed.TopicID, seed.Offset)
	if err != nil {
		return err
	}
	*seeded += int(tag.RowsAffected())
	rows, err := tx.Query(ctx, `SELECT topic, partition, topic_id, next, step, ordinal FROM `+schema(s.group)+`.fold_offset
WHERE topic = $1 AND partition = $2`, seed.Topic, seed.Partition)
	if err != nil {
		return err
	}
	*stands, err = pgx.CollectExactlyOneRow(rows, scanStanding)
	return err
}
