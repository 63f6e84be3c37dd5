package plain

import (
	"context"
	"encoding/json"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

// progress is what a page view reads.
type progress struct {
	User     string           `json:"user"`
	Counters map[string]int64 `json:"counters"`
	Earned   []string         `json:"earned"`
}

// writeProgress reads users' rows and sets their progress in Redis: a round
// trip to Postgres per user, and one to Redis for all.
func writeProgress(ctx context.Context, pool *pgxpool.Pool, rdb redis.UniversalClient, group string, users map[string]struct{}) error {
	pipe := rdb.Pipeline()
	for user := range users {
		p, err := readProgress(ctx, pool, user)
		if err != nil {
			return errors.Wrapf(err, "read the progress of %s", user)
		}
		value, err := json.Marshal(p)
		if err != nil {
			return errors.Wrapf(err, "write the progress of %s as JSON", user)
		}
		pipe.Set(ctx, group+":progress:"+user, value, 0)
	}
	_, err := pipe.Exec(ctx)
	return errors.Wrapf(err, "set the progress of %d users in Redis", len(users))
}

func readProgress(ctx context.Context, pool *pgxpool.Pool, user string) (progress, error) {
	p := progress{User: user, Counters: map[string]int64{}}
	var both pgx.Batch
	both.Queue(`SELECT counter, value FROM counters WHERE user_id = $1`, user).Query(func(rows pgx.Rows) error {
		var counter string
		var value int64
		_, err := pgx.ForEachRow(rows, []any{&counter, &value}, func() error {
			p.Counters[counter] = value
			return nil
		})
		return err
	})
	both.Queue(`SELECT badge FROM awards WHERE user_id = $1`, user).Query(func(rows pgx.Rows) (err error) {
		p.Earned, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return p, pool.SendBatch(ctx, &both).Close()
}
