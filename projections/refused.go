package projections

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/projections/pgbatch"
)

// addRefused adds the statement that notes what a generation rejects of what
// others have folded.
func (f *Folder) addRefused(pipe *pgbatch.Pipe, refused []Place) {
	if len(refused) == 0 {
		return
	}
	pipe.Add(f.stmts.refused, nil, refusedParams(f.rejectCols[:3], refused)...)
}

func refusedParams(cols []pgbatch.Column, refused []Place) [][]byte {
	start(cols, pgbatch.Text, pgbatch.Int4, pgbatch.Int8)
	for _, r := range refused {
		cols[0].AddText(r.Topic)
		cols[1].AddInt4(r.Partition)
		cols[2].AddInt8(r.Offset)
	}
	return params(cols)
}

// Refused returns the offsets of a partition, from one up to another (that
// excluded) and ascending, whose records a generation has rejected. Other
// generations, by other rules, may have taken them. The error is ErrNotBeside if the
// generation was given up and its tables are gone.
func (s *Store) Refused(ctx context.Context, generation int32, p TopicPartition, from, to int64) ([]int64, error) {
	list, err := s.refused(ctx, generationSchema(s.group, generation)+".refused", p, from, to)
	if missing(err) {
		err = errors.Wrapf(ErrNotBeside, "generation %d", generation)
	}
	return list, err
}

// RejectedBetween is Refused of whichever generation was live when the records
// were folded.
func (s *Store) RejectedBetween(ctx context.Context, p TopicPartition, from, to int64) ([]int64, error) {
	return s.refused(ctx, schema(s.group)+".reject", p, from, to)
}

func (s *Store) refused(ctx context.Context, table string, p TopicPartition, from, to int64) ([]int64, error) {
	rows, err := s.pool.Query(ctx, `SELECT "offset" FROM `+table+` WHERE topic = $1 AND partition = $2 AND "offset" >= $3 AND "offset" < $4 ORDER BY 1`, p.Topic, p.Partition, from, to)
	if err != nil {
		return nil, errors.Wrapf(err, "read what was rejected of %s/%d from %d to %d", p.Topic, p.Partition, from, to)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	return list, errors.Wrapf(err, "read what was rejected of %s/%d from %d to %d", p.Topic, p.Partition, from, to)
}

// AllRefused is Refused of all partitions, whole.
func (s *Store) AllRefused(ctx context.Context, generation int32) (map[TopicPartition][]int64, error) {
	rows, err := s.pool.Query(ctx, `SELECT topic, partition, "offset" FROM `+generationSchema(s.group, generation)+`.refused ORDER BY topic, partition, "offset"`)
	if err != nil {
		return nil, errors.Wrapf(err, "read which records generation %d has rejected", generation)
	}
	list := map[TopicPartition][]int64{}
	var p TopicPartition
	var at int64
	_, err = pgx.ForEachRow(rows, []any{&p.Topic, &p.Partition, &at}, func() error {
		list[p] = append(list[p], at)
		return nil
	})
	return list, errors.Wrapf(err, "read which records generation %d has rejected", generation)
}
