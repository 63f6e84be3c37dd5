package projections

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Account is what Postgres has of one user, all of one moment.
type Account struct {
	Installed
	Catalog *catalog.Catalog
	// Found says that the user has a row; without one, Row is empty.
	Found bool
	Row   processor.Final
	// Latest are the user's last award and last revocation of each badge, by
	// badge, the award first.
	Latest []HistoryRow
	// Given and Taken count awards and revocations by badge.
	Given, Taken map[string]int64
	// Decisions are what people decided about the user, in the order of the log.
	Decisions []Decision
	// Places are how many places of each First collection are drawn.
	Places map[int16]int64
	// Clock is the time of the latest tick in Unix microseconds, 0 before any.
	Clock int64
	// Standing is where each partition stood.
	Standing []Standing
}

// Account reads what there is of a user. The error is ErrNoCatalog if nothing
// is installed yet.
func (s *Store) Account(ctx context.Context, user string) (*Account, error) {
	for {
		cat, in, err := s.Catalog(ctx)
		if err != nil {
			return nil, err
		}
		a := &Account{Installed: in, Catalog: cat}
		err = s.account(ctx, user, a)
		var changed *RegimeChanged
		if errors.As(err, &changed) {
			continue // another catalogue or generation holds by now
		}
		return a, errors.Wrapf(err, "read what there is of user %q", user)
	}
}

// account reads everything in one round trip and one snapshot.
func (s *Store) account(ctx context.Context, user string, a *Account) error {
	a.Row = processor.Final{User: user, Counters: make([]int64, len(a.Catalog.Counters))}
	if storable(user) != user {
		user = "" // what Postgres cannot hold is nobody's id, as is this one
	}
	rows := s.Users(a.Installed, a.Catalog)
	batch := &pgx.Batch{}
	base := schema(s.group)
	batch.Queue(`SELECT ` + regimeColumns + ` FROM ` + base + `.regime`).QueryRow(func(row pgx.Row) error {
		var now Regime
		err := row.Scan(now.into()...)
		if err == nil && now != a.Regime {
			return &RegimeChanged{Expected: a.Regime, Found: now}
		}
		return err
	})
	batch.Queue(`SELECT `+rows.columns+` FROM `+rows.gen+`.users WHERE id = $1`, user).Query(func(found pgx.Rows) error {
		list, err := pgx.CollectRows(found, rows.scan)
		if err == nil && len(list) > 0 {
			a.Found, a.Row = true, list[0]
		}
		return err
	})
	batch.Queue(`SELECT (extract(epoch FROM at) * 1000000)::bigint FROM ` + rows.gen + `.clock`).QueryRow(func(row pgx.Row) error {
		var at *int64
		err := row.Scan(&at)
		if err == nil && at != nil {
			a.Clock = *at
		}
		return err
	})
	s.queueHistory(batch, user, a)
	s.queueDecisions(batch, user, a)
	batch.Queue(`SELECT collection, taken FROM ` + rows.gen + `.place`).Query(func(found pgx.Rows) error {
		a.Places = map[int16]int64{}
		var collection int16
		var taken int64
		_, err := pgx.ForEachRow(found, []any{&collection, &taken}, func() error {
			a.Places[collection] = taken
			return nil
		})
		return err
	})
	batch.Queue(`SELECT topic, partition, topic_id, next, step, ordinal FROM ` + base + `.fold_offset ORDER BY topic, partition`).Query(func(found pgx.Rows) error {
		var err error
		a.Standing, err = pgx.CollectRows(found, scanStanding)
		return err
	})
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return tx.SendBatch(ctx, batch).Close()
	})
}

func (s *Store) queueHistory(batch *pgx.Batch, user string, a *Account) {
	base := schema(s.group)
	batch.Queue(`SELECT DISTINCT ON (badge, revoked) `+historyColumns+`
FROM `+base+`.history WHERE user_id = $1 ORDER BY badge, revoked, user_version DESC, ordinal DESC`, user).Query(func(found pgx.Rows) error {
		list, err := collectHistory(found)
		a.Latest = list
		return err
	})
	batch.Queue(`SELECT badge, revoked, count(*) FROM `+base+`.history WHERE user_id = $1 GROUP BY badge, revoked`, user).Query(func(found pgx.Rows) error {
		a.Given, a.Taken = map[string]int64{}, map[string]int64{}
		var badge string
		var revoked bool
		var n int64
		_, err := pgx.ForEachRow(found, []any{&badge, &revoked, &n}, func() error {
			if revoked {
				a.Taken[badge] = n
			} else {
				a.Given[badge] = n
			}
			return nil
		})
		return err
	})
}

func collectHistory(rows pgx.Rows) ([]HistoryRow, error) {
	return pgx.CollectRows(rows, func(pgx.CollectableRow) (HistoryRow, error) {
		row, err := scanHistory(rows)
		if err != nil {
			return HistoryRow{}, err
		}
		return *row, nil
	})
}

// UsersNear returns up to limit ids of users that begin with the prefix or are
// its neighbours, for who misspelt one.
func (s *Store) UsersNear(ctx context.Context, in Installed, prefix string, limit int) ([]string, error) {
	gen := generationSchema(s.group, in.Generation)
	rows, err := s.pool.Query(ctx, `(SELECT id FROM `+gen+`.users WHERE id >= $1 ORDER BY id LIMIT $2)
UNION ALL (SELECT id FROM `+gen+`.users WHERE id < $1 ORDER BY id DESC LIMIT $2)`, storable(prefix), limit)
	if err != nil {
		return nil, errors.Wrapf(err, "look for users near %q", prefix)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return list, errors.Wrapf(err, "look for users near %q", prefix)
}

// Place is where a record stands in the log.
type Place struct {
	TopicPartition
	Offset int64
}

// FoldedBy returns, for each place, the number of the ledger's row by which it
// was folded, and when; of a tick's steps, the first. It is 0 where the ledger
// has none.
func (s *Store) FoldedBy(ctx context.Context, places []Place) (numbers []int64, at []time.Time, err error) {
	topics, partitions, offsets := make([]string, len(places)), make([]int32, len(places)), make([]int64, len(places))
	for i, p := range places {
		topics[i], partitions[i], offsets[i] = p.Topic, p.Partition, p.Offset
	}
	rows, err := s.pool.Query(ctx, `SELECT x.n, l.number, l.recorded_at FROM unnest($1::text[], $2::int[], $3::bigint[]) WITH ORDINALITY x (topic, partition, place, n)
CROSS JOIN LATERAL (SELECT number, recorded_at, to_offset, to_step FROM `+schema(s.group)+`.ledger
  WHERE topic = x.topic COLLATE "C" AND partition = x.partition AND (from_offset, from_step) <= (x.place, 0) ORDER BY from_offset DESC, from_step DESC LIMIT 1) l
WHERE (l.to_offset, l.to_step) > (x.place, 0)`, topics, partitions, offsets)
	if err != nil {
		return nil, nil, errors.Wrapf(err, "find the ledger's rows of %d records", len(places))
	}
	numbers, at = make([]int64, len(places)), make([]time.Time, len(places))
	var n, number int64
	var recorded time.Time
	_, err = pgx.ForEachRow(rows, []any{&n, &number, &recorded}, func() error {
		numbers[n-1], at[n-1] = number, recorded
		return nil
	})
	return numbers, at, errors.Wrapf(err, "find the ledger's rows of %d records", len(places))
}
