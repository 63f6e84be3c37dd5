package projections

import (
	"context"

	"github.com/badgestream/badgestream/processor"
)

// Tick folds a tick of whole, in memory if it makes nobody due. Otherwise done is
// false: all that was folded before is committed, the BesideFolder must fold the
// tick, and Ticked be called.
func (b *BulkFolder) Tick(ctx context.Context, tick *BesideTick) (done bool, err error) {
	whole := tick.Range.From.Step == 0 && tick.Range.To.Step == 0
	if src := tick.Source; whole && src != nil {
		clock := max(b.clock, src.Time)
		if b.clock == src.Time || b.clock == 0 || b.nextDue != 0 && b.nextDue <= clock {
			whole = false
		} else {
			b.clock, b.changed = clock, true
		}
	}
	if whole {
		b.folded([]Range{tick.Range})
		return true, nil
	}
	if err := b.Commit(); err != nil {
		return false, err
	}
	return false, b.Settle(ctx)
}

// Ticked takes note of what a BesideFolder did with the batch of a tick.
func (b *BulkFolder) Ticked(ctx context.Context, batch *processor.Batch) error {
	for _, user := range batch.Credited() {
		b.users.forget(user)
	}
	return b.loadClock(ctx)
}
