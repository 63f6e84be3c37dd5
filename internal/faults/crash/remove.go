package crash

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// remove deletes what a case that went well has left, so that servers which
// serve many cases stay small.
func (x *run) remove(ctx context.Context) error {
	group := x.cfg.Group
	_, err := x.adm.DeleteTopics(ctx, x.cfg.ActivityTopic, x.cfg.AwardTopic, x.cfg.DeadLetterTopic, group+".ledger", group+".control")
	if err != nil {
		return errors.Wrap(err, "delete the topics")
	}
	for _, schema := range []string{group, group + "_g1"} {
		if _, err := x.pool.Exec(ctx, "DROP SCHEMA IF EXISTS "+pgx.Identifier{schema}.Sanitize()+" CASCADE"); err != nil {
			return errors.Wrap(err, "drop the schemas")
		}
	}
	keys, err := x.rdb.Keys(ctx, group+":*").Result()
	if err == nil && len(keys) > 0 {
		err = x.rdb.Del(ctx, keys...).Err()
	}
	return errors.Wrap(err, "delete the snapshots")
}
