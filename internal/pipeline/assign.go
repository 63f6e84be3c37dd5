package pipeline

import (
	"context"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
)

// assign takes partitions over: it reads how far they are published and
// folded, and warms their windows.
func (w *worker) assign(ctx context.Context, fresh []projections.TopicPartition) error {
	ks, _, err := committed(ctx, w.adm, w.cfg.Group, w.cfg.sources()...)
	if err != nil {
		return err
	}
	ps, err := w.positions(ctx)
	if err != nil {
		return err
	}
	// A restored Postgres must catch up in all partitions, in the old order,
	// before anybody folds on in any.
	for id, k := range ks {
		if p, ok := ps[id]; ok && compare(k, p) > 0 {
			return errForgot
		}
	}
	w.notes.published = ks
	if err := w.checkRegime(ctx); err != nil {
		return err
	}
	for _, id := range fresh {
		k, hasK := ks[id]
		p, hasP := ps[id]
		if err := checkStart(w.cfg.Group, id, k, hasK, p, hasP); err != nil {
			return err
		}
		known, err := w.remembered(ctx, id, k, p)
		if err != nil {
			return err
		}
		part := &partition{TopicPartition: id, published: known, folded: p, forgotten: known != k}
		k, ks[id] = known, known
		if part.window, err = w.windowFor(ctx, id, p); err != nil {
			return err
		}
		w.parts[id] = part
		if err := w.redis.Expect(ctx, id, k); err != nil {
			return err
		}
	}
	w.sortPartitions()
	w.log.InfoContext(ctx, "partitions taken over", "slot", w.slot, "partitions", len(w.order))
	return nil
}

// checkRegime refuses to work by another regime than the one that holds. A fold
// does so by itself; but what is recovered is only shown, and snapshots of an
// older epoch would stand below those that are there.
func (w *worker) checkRegime(ctx context.Context) error {
	_, found, err := w.Store.CurrentCatalog(ctx)
	if err == nil && found.Regime != w.installed.Regime {
		err = &projections.RegimeChanged{Expected: w.installed.Regime, Found: found.Regime}
	}
	return err
}

// windowFor is the window that was kept, or else one made from the log.
func (w *worker) windowFor(ctx context.Context, id projections.TopicPartition, folded projections.Position) (*processor.Window, error) {
	kept, ok := w.windows[id]
	delete(w.windows, id)
	if ok && kept.at == folded {
		return kept.Window, nil
	}
	return w.reading().warm(ctx, w.cat, id, folded.Offset)
}

// checkStart explains starts from which nothing right can follow.
func checkStart(group string, id projections.TopicPartition, k projections.Position, hasK bool, p projections.Position, hasP bool) error {
	switch {
	case !hasK && !hasP:
		return halt("%s/%d is new: group %s began with fewer partitions, and keys moved to others when it was added, so that their order is lost; begin anew with another --group", id.Topic, id.Partition, group)
	case !hasK:
		return halt("group %s has lost its committed offset of %s/%d (offsets.retention.minutes, or somebody deleted it), and Postgres has folded up to offset %d: what was published cannot be told any more; if all of it was, commit that offset with kafka-consumer-groups.sh --reset-offsets --to-offset %d, and start again",
			group, id.Topic, id.Partition, p.Offset, p.Offset)
	case !hasP:
		return halt("Postgres knows nothing of %s/%d, which group %s has published up to offset %d: this is another database, or an emptied one; restore it, or take another --group to begin anew", id.Topic, id.Partition, group, k.Offset)
	}
	return nil
}

// positions are P of all partitions that are folded.
func (e *engine) positions(ctx context.Context) (map[projections.TopicPartition]projections.Position, error) {
	standings, err := e.Store.Positions(ctx, e.cfg.sources()...)
	if err != nil {
		return nil, err
	}
	ps := map[projections.TopicPartition]projections.Position{}
	for _, s := range standings {
		ps[s.TopicPartition] = s.Position
	}
	return ps, nil
}
