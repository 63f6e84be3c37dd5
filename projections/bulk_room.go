package projections

import "context"

// makeRoom drops rows that were not asked for lately, if there are too many.
// Who needs them again must find them in the table: they leave once all that was
// folded is committed, and until then they stay, while the next is folded.
func (b *BulkFolder) makeRoom(ctx context.Context) error {
	if err := b.left(); err != nil {
		return err
	}
	if !b.members.full() && !b.entities.full() && !b.users.full() {
		return nil
	}
	if err := b.Commit(); err != nil {
		return err
	}
	if b.leaving != nil || b.users.full() {
		// The room of those who leave is not there yet, or there is none for them.
		if err := b.Settle(ctx); err != nil {
			return err
		}
		b.drop()
	}
	if b.users.full() {
		b.users.rotate()
	}
	// A commit writes every row that has changed: those that would soon be too many
	// leave with it.
	if b.members.halfFull() {
		b.members.rotate()
	}
	if b.entities.halfFull() {
		b.entities.rotate()
	}
	b.leaving = b.write.reach()
	return nil
}

// left drops the rows that leave, if they are committed by now.
func (b *BulkFolder) left() error {
	if b.leaving == nil {
		return nil
	}
	select {
	case <-b.leaving:
		if err := b.write.failed(); err != nil {
			return err
		}
		b.drop()
	default:
	}
	return nil
}

func (b *BulkFolder) drop() {
	b.members.drop()
	b.entities.drop()
	b.leaving = nil
}
