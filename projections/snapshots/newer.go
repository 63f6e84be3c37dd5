package snapshots

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// setNewer sets snapshots, each unless one of the same or a later order is
// there: in one transaction, in which those that are to stay are put aside, all
// are set, and then those put aside are put back, with the time that they have to
// live. Nobody sees what is between.
//
// The scripts see keys and orders alone. One that is handed the snapshots, as
// newer is, hashes every byte of them: Redis's CPU for each snapshot of 600 bytes
// was 2.5 µs with newer, 1.5 with this, and 0.7 with an MSET that looks at nothing.
func (w *Writer) setNewer(ctx context.Context, finals []processor.Final, values [][]byte) error {
	aside := asideKey(w.group)
	keys, orders, set := make([]string, 0, len(finals)+1), make([]any, 0, len(finals)), make([]any, 0, 2*len(finals))
	for i := range finals {
		key := Key(w.group, finals[i].User)
		keys = append(keys, key)
		orders = append(orders, values[i][schemas.OrderOffset:schemas.OrderOffset+schemas.OrderLength])
		set = append(set, key, values[i])
	}
	keys = append(keys, aside)
	_, err := w.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		// Scripts go by their text: in a transaction, one that Redis does not know
		// any more would be passed over, and what comes after it done.
		w.makeKnown(ctx, p)
		w.scripts.putAside.Eval(ctx, p, keys, orders...)
		p.MSet(ctx, set...)
		w.scripts.putBack.Eval(ctx, p, []string{aside})
		return nil
	})
	return errors.Wrapf(err, "write %d snapshots", len(finals))
}
