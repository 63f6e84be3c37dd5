package oracle

import (
	"context"
)

// positions looks at K, and then at P, which cannot be lower.
func (w *Watcher) positions(ctx context.Context) error {
	// Before, as Postgres may go back while we look.
	back := w.excused()
	ks, err := watermarks(ctx, w.adm, w.cfg.Group, w.cfg.sources()...)
	if err != nil {
		return err
	}
	s := stored{group: w.cfg.Group}
	ps, err := s.foldOffsets(ctx, w.pg)
	if err != nil {
		return err
	}
	w.look(func(r *Report) {
		back = back.or(w.back)
		for id, k := range ks {
			r.Looked(WatermarkNeverBack, 1)
			switch before, known := w.ks[id]; {
			case !known || k.compare(before) >= 0:
				w.ks[id] = k
			case !back.kafka:
				r.Find(WatermarkNeverBack, "the watermark of %s/%d went from %s back to %s", id.Topic, id.Partition, before, k)
				w.ks[id] = k
			}
			p, known := ps[id]
			r.Looked(WatermarkBelowFold, 1)
			if !back.postgres && known && k.compare(p) > 0 {
				r.Find(WatermarkBelowFold, "the watermark of %s/%d was %s, and its fold offset %s", id.Topic, id.Partition, k, p)
			}
		}
		for id, p := range ps {
			r.Looked(FoldNeverBack, 1)
			if before, ok := w.ps[id]; ok && !back.postgres && p.compare(before) < 0 {
				r.Find(FoldNeverBack, "the fold offset of %s/%d went from %s back to %s", id.Topic, id.Partition, before, p)
			}
		}
		w.ps = ps
	})
	return nil
}
