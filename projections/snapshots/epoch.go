package snapshots

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
)

// firstEpoch is that of a database which never was restored.
const firstEpoch = 1

// NextEpoch draws the epoch of a database that was restored: above the one that
// it remembers, and above all that Redis may hold snapshots of. Redis is where
// it is drawn, because what Redis forgets it has no snapshots of either, or
// learns again with the first of them. It must be called before any snapshot of
// the epoch is written.
func (w *Writer) NextEpoch(ctx context.Context) (int64, error) {
	cmds, err := w.scripts.run(ctx, w.rdb, func(p redis.Pipeliner) {
		w.scripts.draw.EvalSha(ctx, p, []string{epochKey(w.group)}, w.in.Epoch)
	})
	if err != nil {
		return 0, errors.Wrap(err, "draw the next epoch")
	}
	epoch, err := cmds[0].(*redis.Cmd).Int64()
	return epoch, errors.Wrap(err, "draw the next epoch")
}

// makeKnown reminds Redis of the epoch of the snapshots that follow: Redis may
// have lost it with all else since it was drawn. Nobody draws the first. The
// script goes by its text, as it may be in a transaction.
func (w *Writer) makeKnown(ctx context.Context, p redis.Pipeliner) {
	if w.in.Epoch > firstEpoch {
		w.scripts.know.Eval(ctx, p, []string{epochKey(w.group)}, w.in.Epoch)
	}
}
