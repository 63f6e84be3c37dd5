package snapshots

import (
	"context"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/schemas"
)

const (
	// erasedFor is how long an empty snapshot stands above what a process that
	// hung may write of a user who was erased.
	erasedFor = 24 * time.Hour
	scanned   = 1_000
)

// Erase puts an empty snapshot in the place of a user's, above every other. It
// goes by itself after a day.
func (w *Writer) Erase(ctx context.Context, user string) error {
	s := schemas.Snapshot{User: user, Epoch: schemas.ErasedEpoch, Catalog: int64(w.in.CatalogVersion)}
	return errors.Wrap(w.rdb.Set(ctx, Key(w.group, user), s.Append(nil), erasedFor).Err(), "erase a snapshot")
}

// eraseAgain removes the snapshots of users who were erased. A Redis that came
// back from an older copy may have them.
func (w *Writer) eraseAgain(ctx context.Context) error {
	erased := w.in.Erased.Has()
	if erased == nil {
		return nil
	}
	each := func(ctx context.Context, rdb redis.Cmdable) error {
		prefix := Key(w.group, "")
		for keys := rdb.Scan(ctx, 0, Pattern(w.group), scanned).Iterator(); ; {
			if !keys.Next(ctx) {
				return errors.Wrap(keys.Err(), "look for snapshots of erased users")
			}
			if user := strings.TrimPrefix(keys.Val(), prefix); erased(user) {
				if err := w.Erase(ctx, user); err != nil {
					return err
				}
			}
		}
	}
	if cluster, is := w.rdb.(*redis.ClusterClient); is {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return each(ctx, node) })
	}
	return each(ctx, w.rdb)
}
