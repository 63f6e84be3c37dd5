package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// switchLook is how often a worker looks what became of a switch that its
// partition waits for.
const switchLook = 50 * time.Millisecond

// awaitSwitch notes that a switch is met, and looks what became of it. Whoever
// folds the generation beside the live one does it, as both must stand still;
// the partition waits, others do not.
func (w *worker) awaitSwitch(ctx context.Context, p *partition) error {
	s, err := w.postgres.AskSwitch(ctx, p.asked)
	if err != nil {
		return err
	}
	switch s.State {
	case projections.SwitchRefused:
		w.log.WarnContext(ctx, "a switch of generations was refused", "generation", s.Generation, "offset", s.Offset, "reason", s.Refusal)
		p.refused, p.asked = s.Offset+1, nil
		w.resume(p)
	case projections.SwitchDone:
		if err := w.checkRegime(ctx); err != nil {
			return err
		}
		return errors.Newf("the switch at offset %d of %s is done: the worker begins anew", s.Offset, s.Topic)
	}
	return nil
}

// refuseSwitches refuses what is asked while no generation is beside the live
// one.
func (r *Rebuilder) refuseSwitches(ctx context.Context) error {
	asked, err := r.store.SwitchesAsked(ctx)
	if err != nil {
		return err
	}
	for i := range asked {
		if err := r.store.RefuseSwitch(ctx, &asked[i], projections.ErrNoneBeside.Error()); err != nil {
			return err
		}
	}
	return nil
}

// switches does or refuses what is asked. Once one is done, the generation is
// live, and the error is projections.ErrNotBeside.
func (b *beside) switches(ctx context.Context) error {
	asked, err := b.store.SwitchesAsked(ctx)
	if err != nil {
		return err
	}
	for i := range asked {
		w := &asked[i]
		if w.Generation != b.gen.Number {
			why := fmt.Sprintf("generation %d is not folded beside the live one: generation %d is", w.Generation, b.gen.Number)
			if err := b.store.RefuseSwitch(ctx, w, why); err != nil {
				return err
			}
			continue
		}
		if b.snapshots == nil {
			continue // an engine will
		}
		if unswept, err := b.store.Unswept(ctx); err != nil || unswept {
			return err // nobody must see what is left of who was erased
		}
		if err := b.switchTo(ctx, w); err != nil {
			return err
		}
		return errors.Wrapf(projections.ErrNotBeside, "generation %d is live now", b.gen.Number)
	}
	return nil
}

// switchTo makes the generation the live one. What takes long is done before:
// folds wait while the last ranges are folded, and while those users are
// compared whose badges may change.
func (b *beside) switchTo(ctx context.Context, w *projections.Switch) error {
	epoch, err := b.snapshots().NextEpoch(ctx)
	if err != nil {
		return err
	}
	stored, in, err := b.store.CurrentCatalog(ctx)
	if err != nil {
		return err
	}
	s := &projections.Switching{Switch: *w, Beside: b.gen, Rules: b.rules, Epoch: epoch}
	if s.Live, err = stored.Parse(); err != nil {
		return haltError{err}
	}
	if s.Suspects, err = b.store.Suspect(ctx, in.Generation, b.gen.Number, s.Live, s.Rules); err != nil {
		return err
	}
	return b.standstill(ctx, func(ctx context.Context, tx pgx.Tx) error {
		s.Began = b.still
		stored, now, err := b.store.CurrentCatalog(ctx)
		if err != nil {
			return err
		}
		if now.Turn != in.Turn {
			return errors.Wrap(projections.ErrStale, "another switch came before")
		}
		if now.CatalogVersion != in.CatalogVersion {
			if s.Live, err = stored.Parse(); err != nil {
				return haltError{err}
			}
		}
		return b.store.Switch(ctx, tx, s)
	})
}

// passSwitch takes a switch that the ledger has: whoever kept a badge by it has
// it from there on.
func (b *beside) passSwitch(ctx context.Context, p *partition, row *projections.LedgerRow) error {
	// It changes rows that are in memory.
	if err := b.drain(ctx); err != nil {
		return err
	}
	kept := []projections.KeptBadge(nil)
	if row.From.Step == 0 {
		var err error
		if kept, err = b.store.KeptAt(ctx, row.TopicPartition, row.From.Offset); err != nil {
			return err
		}
	}
	at := projections.Range{TopicPartition: p.TopicPartition, From: p.folded, To: row.To}
	if err := b.store.Keep(ctx, b.gen.Number, b.now.cat, at, kept); err != nil {
		return err
	}
	if p.folded = row.To; row.To.Step == 0 {
		p.pop(1)
	}
	return nil
}
