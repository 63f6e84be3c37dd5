package drift

import (
	"context"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/snapshots"
)

// strangers looks for snapshots of users who have no row. A row is there before
// its snapshot.
func (a *audit) strangers(ctx context.Context) error {
	prefix := snapshots.Key(a.cfg.Group, "")
	for cursor := uint64(0); ; {
		keys, next, err := a.rdb.Scan(ctx, cursor, snapshots.Pattern(a.cfg.Group), snapshotPage).Result()
		if err != nil {
			return errors.Wrap(err, "list the snapshots in Redis")
		}
		var unknown []string
		for _, key := range keys {
			name := strings.TrimPrefix(key, prefix)
			if _, known := a.keys[a.in.Secret.UserKey(name)]; !known && !a.in.Erases(name) { // who was erased shows nothing
				unknown = append(unknown, name)
			}
		}
		// Some have come since their slice of users was looked at.
		rows, err := a.store.Users(a.in, a.cat).Of(ctx, unknown...)
		if err != nil {
			return err
		}
		for _, name := range unknown {
			if slices.ContainsFunc(rows, func(f processor.Final) bool { return f.User == name }) {
				continue
			}
			if err := a.nobody(ctx, name); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// nobody notes the snapshot of a user who has no row, if it is there.
func (a *audit) nobody(ctx context.Context, user string) error {
	text, err := a.rdb.Get(ctx, snapshots.Key(a.cfg.Group, user)).Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return errors.Wrapf(err, "read the snapshot of %q", user)
	}
	if !slices.ContainsFunc(a.suspects, func(s suspect) bool { return s.user == user }) {
		a.suspects = append(a.suspects, suspect{user, text, "there is a snapshot, and no row", false})
	}
	return nil
}
