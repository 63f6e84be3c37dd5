package repair

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

// text is the user's snapshot as Redis has it, empty if it has none.
func (r *repair) text(ctx context.Context) (string, error) {
	text, err := r.rdb.Get(ctx, snapshots.Key(r.cfg.Group, r.cfg.User)).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return text, errors.Wrapf(err, "read the snapshot of %q", r.cfg.User)
}

// shown is the version that a snapshot of this epoch shows, 0 if it is none.
func (r *repair) shown(text string) int64 {
	s, err := schemas.ParseSnapshot([]byte(text))
	if err != nil || s.Epoch != r.in.Epoch {
		return 0
	}
	return s.Version
}

// snapshotDiffers waits for the snapshot to be the row's, and says if it does
// not come to that. Where folds go on, both are looked at anew.
func (r *repair) snapshotDiffers(ctx context.Context) (bool, error) {
	for until := time.Now().Add(r.cfg.Settle); ; wait(ctx) {
		text, value, err := r.both(ctx)
		if err != nil || text == value || ctx.Err() != nil {
			return false, errors.CombineErrors(err, ctx.Err())
		}
		if time.Now().After(until) {
			return true, nil
		}
	}
}

// both are the snapshot, and what it should be by the row.
func (r *repair) both(ctx context.Context) (text, value string, err error) {
	rows, err := r.store.Users(r.in, r.cat).Of(ctx, r.cfg.User)
	if err != nil {
		return "", "", err
	}
	if text, err = r.text(ctx); err != nil || len(rows) == 0 {
		return text, "", err
	}
	return text, string(r.writer().Value(&rows[0])), nil
}

func (r *repair) writer() *snapshots.Writer {
	return snapshots.NewWriter(r.rdb, r.cfg.Group, r.cat, r.in)
}

// rewrite makes the snapshot the row's, unless an engine has done so by now.
func (r *repair) rewrite(ctx context.Context, was string) error {
	rows, err := r.store.Users(r.in, r.cat).Of(ctx, r.cfg.User)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return r.writer().Replace(ctx, was, &rows[0])
	}
	same := redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)
	return errors.Wrapf(same.Run(ctx, r.rdb, []string{snapshots.Key(r.cfg.Group, r.cfg.User)}, was).Err(), "remove the snapshot of %q", r.cfg.User)
}
