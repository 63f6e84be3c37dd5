package userlog

import (
	"context"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/logreader"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// Fold folds a user's records again, one by one, by the fold's own code and in
// memory. What they do to others is folded too, and means nothing.
type Fold struct {
	reader *Reader
	memory *processor.Memory
	batch  *processor.Batch
	none   *processor.Window // in which nothing is a duplicate
	kept   []projections.Kept
	drawn  map[int]bool
	// Changes are the badges that came and went.
	Changes []processor.Change
}

// NewFold begins with nothing but what the user kept by switches.
func (s *Reader) NewFold(ctx context.Context) (*Fold, error) {
	kept, err := s.store.KeptBy(ctx, s.user)
	return &Fold{reader: s, memory: processor.NewMemory(s.cat), batch: processor.New(s.cat), none: processor.NewWindow(0), kept: kept, drawn: map[int]bool{}}, err
}

// State is what the user's rows should be.
func (f *Fold) State() *projections.UserState {
	return projections.StateOf(f.memory, f.reader.in, f.reader.cat, f.reader.user)
}

// Add folds records, in the order in which they took effect, and what was kept
// before the last of them or up to now.
func (f *Fold) Add(ctx context.Context, list []Record) error {
	for i := range list {
		f.keep(list[i].Number)
		if err := f.one(ctx, &list[i]); err != nil {
			return errors.Wrapf(err, "fold %s/%d@%d again", list[i].Topic, list[i].Partition, list[i].Offset)
		}
	}
	return nil
}

// Finish adds what was kept after the last record.
func (f *Fold) Finish() { f.keep(1<<63 - 1) }

// keep adds what was kept before a number of the ledger.
func (f *Fold) keep(number int64) {
	for len(f.kept) > 0 && f.kept[0].Number < number {
		for at := range f.reader.cat.Badges {
			if b := &f.reader.cat.Badges[at]; b.Slug == f.kept[0].Badge {
				f.memory.Keep(f.reader.user, processor.Held{Badge: b.ID, At: f.kept[0].EarnedAt})
			}
		}
		f.kept = f.kept[1:]
	}
}

func (f *Fold) one(ctx context.Context, r *Record) error {
	if r.Reject != nil {
		return nil //nolint:nilerr // a rejected record counts nowhere
	}
	f.batch.Reset()
	switch r.Verdict {
	case processor.Tick:
		if err := f.memory.Tick(f.batch, r.Source()); err != nil {
			return err
		}
	case processor.Folded:
		if err := f.draw(ctx, r); err != nil {
			return err
		}
		add := f.batch.Add
		if _, decides := schemas.VerbOf(r.Event.Type); decides {
			add = f.batch.Decide // else it would be of an unknown type
		}
		if _, err := add(&r.Event, r.Source(), f.none); err != nil {
			return err
		}
		if err := f.memory.Fold(f.batch); err != nil {
			return err
		}
	case processor.Duplicate, processor.Unknown:
		return nil
	}
	for _, c := range f.batch.Changes() {
		if c.User == f.reader.user {
			f.Changes = append(f.Changes, c)
		}
	}
	return nil
}

// draw finds out which place of a First collection a record would draw for the
// user: how many others had drawn one before.
func (f *Fold) draw(ctx context.Context, r *Record) error {
	namings, err := f.batch.Namings(&r.Event)
	if err != nil {
		return err
	}
	for _, n := range namings {
		if n.User != f.reader.user || n.Exempt != processor.Credited || n.Rule.Op == catalog.OpCount || f.drawn[n.Rule.Collection] {
			continue
		}
		c := &f.reader.cat.Collections[n.Rule.Collection]
		if c.Kind != catalog.First {
			continue
		}
		others, err := f.reader.drawnBefore(ctx, r, n.Rule.Collection, c.Places)
		if err != nil {
			return err
		}
		f.drawn[n.Rule.Collection] = true
		f.memory.SetTaken(int16(n.Rule.Collection), others)
	}
	return nil
}

// drawnBefore counts who else drew a place before a record, up to a limit. It
// reads the log up to there once more: so it need not remember everybody.
func (s *Reader) drawnBefore(ctx context.Context, r *Record, collection int, limit int64) (int64, error) {
	if r.Number == 0 {
		return 0, errors.New("the ledger does not say when it was folded, and so not who was first")
	}
	standing, err := s.store.FoldedBefore(ctx, r.Number)
	if err != nil {
		return 0, err
	}
	before, err := New(s.store, s.brokers, s.in, s.cat, s.user)
	if err != nil {
		return 0, err
	}
	others := map[string]struct{}{}
	before.refused = s.refused
	log, err := logreader.Open(ctx, s.brokers)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	found := false
	for i := range standing {
		if standing[i].TopicPartition == r.TopicPartition {
			standing[i].Offset, found = r.Offset, true
		}
	}
	if !found {
		standing = append(standing, projections.Standing{TopicPartition: r.TopicPartition, Position: projections.Position{Offset: r.Offset}})
	}
	stretches, err := before.stretches(ctx, log, standing)
	if err != nil {
		return 0, err
	}
	err = log.Read(ctx, stretches, before.drawing(collection, func(user string) error {
		if others[user] = struct{}{}; int64(len(others)) >= limit {
			return errEnough
		}
		return nil
	}))
	if errors.Is(err, errEnough) {
		err = nil
	}
	return int64(len(others)), err
}

var errEnough = errors.New("all places are taken")
