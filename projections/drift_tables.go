package projections

import (
	"context"
	"fmt"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Strays are awards of users who have no row, up to limit of them.
func (s *Store) Strays(ctx context.Context, in Installed, limit int) ([]string, error) {
	return texts(ctx, s.pool, `SELECT DISTINCT user_id FROM `+schema(s.group)+`.history h
WHERE NOT EXISTS (SELECT FROM `+generationSchema(s.group, in.Generation)+`.users u WHERE u.id = h.user_id) ORDER BY 1 LIMIT $1`, limit)
}

// Gaps are the places where the ledger does not tile the log, in words, up to
// limit of them; looked is how many rows there are.
func (s *Store) Gaps(ctx context.Context, limit int) (gaps []string, looked int64, err error) {
	base := schema(s.group)
	gaps, err = texts(ctx, s.pool, `WITH l AS (SELECT *, lag(to_offset) OVER w AS before, lag(to_step) OVER w AS step_before, lag(number) OVER w AS number_before FROM `+base+`.ledger WINDOW w AS (PARTITION BY topic, partition ORDER BY from_offset, from_step)),
e AS (SELECT DISTINCT ON (topic, partition) * FROM l ORDER BY topic, partition, from_offset DESC, from_step DESC)
(SELECT format('%s/%s: row %s begins at offset %s, step %s, and the one before it ends at %s, %s', topic, partition, number, from_offset, from_step, before, step_before) FROM l
  WHERE (from_offset, from_step) <> (before, step_before) OR number < number_before)
UNION ALL (SELECT format('%s/%s is folded up to offset %s, step %s, and its last row, %s, ends at %s, %s', p.topic, p.partition, p.next, p.step, e.number, e.to_offset, e.to_step)
  FROM `+base+`.fold_offset p JOIN e ON (e.topic, e.partition) = (p.topic, p.partition) WHERE (p.next, p.step) <> (e.to_offset, e.to_step))
LIMIT $1`, limit)
	if err == nil {
		err = errors.Wrap(s.pool.QueryRow(ctx, `SELECT count(*) FROM `+base+`.ledger`).Scan(&looked), "count the ledger's rows")
	}
	return gaps, looked, err
}

// WrongPlaces says, in words, which First collections have more or fewer places taken
// than users who hold one.
func (s *Store) WrongPlaces(ctx context.Context, in Installed, d *Drift) (wrong []string, looked int64, err error) {
	gen := generationSchema(s.group, in.Generation)
	for i := range d.cat.Collections {
		c := &d.cat.Collections[i]
		if c.Places == 0 {
			continue
		}
		var taken, holders int64
		column := counterColumn(&d.cat.Counters[c.Counter])
		if err := s.pool.QueryRow(ctx, `SELECT coalesce((SELECT taken FROM `+gen+`.place WHERE collection = $1), 0), (SELECT count(*) FROM `+gen+`.users WHERE `+column+` <> 0)`, i).Scan(&taken, &holders); err != nil {
			return nil, 0, errors.Wrapf(err, "count the places of %s", c.Name)
		}
		if looked++; holders > taken || taken-holders > in.Erased.Count() || taken > c.Places { // who was erased keeps his place
			wrong = append(wrong, fmt.Sprintf("%s has %d of %d places taken, and %d users hold one", c.Name, taken, c.Places, holders))
		}
	}
	return wrong, looked, nil
}

// Growth is how many records were rejected in the last hour, and in an hour of
// the day before it on average; open is how many letters are not decided.
func (s *Store) Growth(ctx context.Context) (hour int64, before float64, open int64, err error) {
	err = s.pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE recorded_at > now() - interval '1 hour'),
count(*) FILTER (WHERE recorded_at BETWEEN now() - interval '25 hours' AND now() - interval '1 hour') / 24.0,
count(*) FILTER (WHERE state = 'open')`+s.lettersSQL()).Scan(&hour, &before, &open)
	return hour, before, open, errors.Wrap(err, "count the rejected records")
}

func texts(ctx context.Context, pool *pgxpool.Pool, sql string, args ...any) ([]string, error) {
	rows, err := pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, errors.Wrap(err, "look for drift")
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return list, errors.Wrap(err, "look for drift")
}
