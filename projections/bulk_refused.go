package projections

import (
	"context"

	"github.com/badgestream/badgestream/projections/pgbatch"
)

// StoreRefused has all that was folded committed, if records of it were
// rejected that the table may not have.
func (b *BulkFolder) StoreRefused(ctx context.Context) error {
	if !b.unsettled {
		return nil
	}
	if err := b.Commit(); err != nil {
		return err
	}
	return b.Settle(ctx)
}

func (b *BulkFolder) sendRefused() error {
	for len(b.refused) > 0 {
		n := min(bulkRows, len(b.refused))
		cols := make([]pgbatch.Column, 3)
		start(cols, pgbatch.Text, pgbatch.Int4, pgbatch.Int8)
		for _, r := range b.refused[:n] {
			cols[0].AddText(r.Topic)
			cols[1].AddInt4(r.Partition)
			cols[2].AddInt8(r.Offset)
		}
		if err := b.write.run(b.plain.folder.stmts.refused, params(cols)...); err != nil {
			return err
		}
		b.refused = b.refused[n:]
	}
	b.refused = nil
	return nil
}
