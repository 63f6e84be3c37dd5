package pipeline

import (
	"context"
	"maps"
	"slices"

	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
)

// From is where a rebuild begins. The zero value is where folding began.
type From struct {
	// Base asks for a base: that of Number, or the latest if that is 0.
	Base   bool
	Number int32
	// Offsets are those of partitions that begin elsewhere than where folding
	// began: what stands before them counts for nothing, but as what others are
	// duplicates of.
	Offsets map[projections.TopicPartition]int64
}

// begins is where each partition begins, and the base that is begun with, if the
// log leads on from there. window is how many records before it tell duplicates.
func (r *Rebuilder) begins(ctx context.Context, from *From, window int64) ([]projections.BesideOffset, int32, error) {
	standings, err := r.sameLog(ctx)
	if err != nil {
		return nil, 0, err
	}
	list, err := r.store.FirstRanges(ctx)
	if err != nil {
		return nil, 0, err
	}
	if from.Base {
		base, err := r.store.Base(ctx, from.Number)
		if err != nil {
			return nil, 0, err
		}
		return base.Offsets, base.Number, r.reaches(ctx, "would be", needed(base.Offsets, list, window))
	}
	wanted := maps.Clone(from.Offsets)
	for i := range list {
		o := &list[i]
		offset, ok := wanted[o.TopicPartition]
		if !ok {
			continue
		}
		delete(wanted, o.TopicPartition)
		var folded int64
		for _, s := range standings {
			if s.TopicPartition == o.TopicPartition {
				folded = s.Offset
			}
		}
		if offset < o.Begins || offset > folded {
			return nil, 0, errors.Newf("%s/%d cannot be folded from offset %d on: the group has folded it from offset %d up to %d; nothing was begun", o.Topic, o.Partition, offset, o.Begins, folded)
		}
		o.Begins, o.Position = offset, projections.Position{Offset: offset}
	}
	for p := range wanted {
		return nil, 0, errors.Newf("group %s folds no partition %s/%d; nothing was begun", r.cfg.Group, p.Topic, p.Partition)
	}
	return list, 0, r.reaches(ctx, "was", list)
}

// needed is from where on the log is needed by a generation that stands at
// offsets, and whose duplicates are told by so many records before.
func needed(at, first []projections.BesideOffset, window int64) []projections.BesideOffset {
	list := slices.Clone(at)
	for i := range list {
		o := &list[i]
		o.Begins = max(0, o.Offset-window)
		for _, f := range first {
			if f.TopicPartition == o.TopicPartition {
				o.Begins = max(o.Begins, f.Begins)
			}
		}
	}
	return list
}

// TakeBase copies what readers see, with its history, so that a rebuild can
// begin with it.
func (r *Rebuilder) TakeBase(ctx context.Context) (*projections.Base, error) {
	if _, _, err := r.store.CurrentCatalog(ctx); err != nil {
		return nil, err
	}
	if err := r.store.Migrate(ctx); err != nil {
		return nil, err
	}
	return r.store.TakeBase(ctx)
}

// Bases lists the bases there are.
func (r *Rebuilder) Bases(ctx context.Context) ([]projections.Base, error) {
	if err := r.store.Migrate(ctx); err != nil {
		return nil, err
	}
	return r.store.Bases(ctx)
}

// DropBase gives up a base.
func (r *Rebuilder) DropBase(ctx context.Context, number int32) error {
	return r.store.DropBase(ctx, number)
}

// fill writes the rows of the base that a generation begins with, unless they are
// there.
func (r *Rebuilder) fill(ctx context.Context, gen *projections.Generation) error {
	if gen.Base == 0 || gen.BaseTaken {
		return nil
	}
	r.log.InfoContext(ctx, "a rebuild takes the rows of its base", "generation", gen.Number, "base", gen.Base)
	filling, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		// A status tells that somebody is at it.
		for ; filling.Err() == nil; wait(filling, reportEvery) {
			if err := r.store.ReportRate(filling, gen.Number, 0, 0); err != nil && filling.Err() == nil {
				r.log.WarnContext(ctx, "it could not be noted that a rebuild is worked on", "generation", gen.Number, "error", err)
			}
		}
	}()
	return r.store.FillFromBase(ctx, gen.Number, gen.Base)
}
