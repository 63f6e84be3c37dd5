package pipeline

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
)

const (
	// bulkMemory is about how many bytes of rows are kept in memory.
	bulkMemory = 192 << 20
	// bulkBatch is how many records are folded in bulk at once. More would write
	// no row less: rows are written when they are committed.
	bulkBatch = 8_000
	// bulkPatience is how long what is folded in bulk waits to be committed. Each
	// row that has changed is written once then.
	bulkPatience = time.Minute
)

// bulky says that the generation is folded in bulk: until it has caught up the
// first time, nobody else reads or writes its rows.
func (b *beside) bulky() bool { return b.gen.State == projections.Building && b.cfg.RebuildMemory >= 0 }

// openBulk makes ready to fold in bulk by the version of now.
func (b *beside) openBulk(ctx context.Context) error {
	if !b.bulky() || b.now.bulk != nil {
		return nil
	}
	memory := b.cfg.RebuildMemory
	if memory == 0 {
		memory = bulkMemory
	}
	var err error
	b.now.bulk, err = b.now.BulkFolder(ctx, memory)
	return errors.Wrapf(err, "read what there is of generation %d", b.gen.Number)
}

// fold folds what an intake holds. Of what is folded in bulk nothing waits longer
// than for a while to be committed.
func (v *version) fold(ctx context.Context, in *intake, patience time.Duration) error {
	if v.bulk == nil {
		return v.Fold(ctx, in.batch, in.ranges, in.refused)
	}
	if err := v.bulk.Fold(ctx, in.batch, in.ranges, in.refused); err != nil {
		return err
	}
	return v.commit(ctx, patience)
}

// commit commits what has waited for so long. Without patience it waits for that:
// whoever folds little so that others get on shall know what it took.
func (v *version) commit(ctx context.Context, patience time.Duration) error {
	if v.bulk.Waiting() < patience {
		return nil
	}
	if err := v.bulk.Commit(); err != nil || patience > 0 {
		return err
	}
	return v.bulk.Settle(ctx)
}

// foldTick folds a tick, or a step of one.
func (b *beside) foldTick(ctx context.Context, tick *projections.BesideTick) error {
	if err := b.openBulk(ctx); err != nil {
		return err
	}
	v := b.now
	batch := v.intakes[0].batch
	if v.bulk == nil {
		return v.Tick(ctx, batch, tick)
	}
	done, err := v.bulk.Tick(ctx, tick)
	if err != nil {
		return err
	}
	if done {
		return v.commit(ctx, b.pace.patience())
	}
	if err := v.Tick(ctx, batch, tick); err != nil {
		return err
	}
	return v.bulk.Ticked(ctx, batch)
}

// drain folds and commits all that was taken, and ends folding in bulk: the
// tables hold all.
func (b *beside) drain(ctx context.Context) error {
	if err := b.flush(ctx); err != nil {
		return err
	}
	if err := b.settled(); err != nil {
		return err
	}
	if b.now == nil || b.now.bulk == nil {
		return nil
	}
	bulk := b.now.bulk
	if err := bulk.Commit(); err != nil {
		return err
	}
	if err := bulk.Settle(ctx); err != nil {
		return err
	}
	b.now.bulk = nil
	return errors.Wrap(bulk.Close(ctx), "end folding in bulk")
}
