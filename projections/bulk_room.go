package projections

import "context"

// makeRoom drops rows that were not asked for lately, if there are too many.
// Whoever needs them again must find them in the table: those that leave were
// written when room was made before, or have not changed since. Users are written
// when all is committed, as each of them changes all the time.
func (b *BulkFolder) makeRoom(ctx context.Context) error {
	if b.users.full() {
		if err := b.Commit(); err != nil {
			return err
		}
		if err := b.Settle(ctx); err != nil {
			return err
		}
		b.users.rotate()
	}
	if !b.members.full() && !b.entities.full() {
		return nil
	}
	if b.written != nil {
		if err := b.write.await(ctx, b.written); err != nil {
			return err
		}
	}
	if b.members.full() {
		if err := b.members.makeRoom(); err != nil {
			return err
		}
	}
	if b.entities.full() {
		if err := b.entities.makeRoom(); err != nil {
			return err
		}
	}
	b.written = b.write.reach()
	return nil
}
