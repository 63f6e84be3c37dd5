package snapshots

import (
	"context"

	"github.com/badgestream/badgestream/processor"
	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
)

// Value is the snapshot of a row, as Write writes it.
func (w *Writer) Value(f *processor.Final) []byte { return w.append(nil, f) }

// Replace sets a user's snapshot where Redis still has the one that was looked
// at, whatever its order, or none; else, as Write does, where it has an older
// one. It is for a snapshot that was wrong.
func (w *Writer) Replace(ctx context.Context, was string, f *processor.Final) error {
	same := redis.NewScript(`if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`)
	if err := same.Run(ctx, w.rdb, []string{Key(w.group, f.User)}, was, w.Value(f)).Err(); err != nil {
		return errors.Wrapf(err, "replace the snapshot of %q", f.User)
	}
	return w.Write(ctx, []processor.Final{*f})
}
