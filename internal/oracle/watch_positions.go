package oracle

import (
	"context"

	"github.com/badgestream/badgestream/internal/oracle/recount"
)

// positions looks at K, and then at P, which cannot be lower.
func (w *Watcher) positions(ctx context.Context) error {
	// Before, as Postgres may go back while we look.
	restoring, _ := w.excused()
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
		restoring = restoring || w.restored
		for id, k := range ks {
			r.Looked(WatermarkNeverBack, 1)
			w.follow(r, id, k)
			p, known := ps[id]
			r.Looked(WatermarkBelowFold, 1)
			if !restoring && known && k.compare(p) > 0 {
				r.Find(WatermarkBelowFold, "the watermark of %s/%d was %s, and its fold offset %s", id.Topic, id.Partition, k, p)
			}
		}
		for id, p := range ps {
			r.Looked(FoldNeverBack, 1)
			if before, ok := w.ps[id]; ok && !restoring && p.compare(before) < 0 {
				r.Find(FoldNeverBack, "the fold offset of %s/%d went from %s back to %s", id.Topic, id.Partition, before, p)
			}
		}
		w.ps = ps
	})
	return nil
}

// follow looks how a watermark moves. A coordinator that was killed can answer
// for a while from a state older than its log, until somebody writes to it and
// it reads all of its log (Kafka 4.1 then logs that it is "out of sync with the
// underlying log"). So one that is lower than before is held against the engine
// if it moves on from there, or stays there until the end: what was committed
// after it is then not in the log either.
func (w *Watcher) follow(r *Report, id recount.Partition, k position) {
	top, known := w.ks[id]
	low, fell := w.fallen[id]
	switch {
	case !known || k.compare(top) >= 0:
		w.ks[id] = k
		delete(w.fallen, id)
	case fell && k.compare(low) > 0:
		w.wentBack(r, id)
		w.ks[id] = k
		delete(w.fallen, id)
	default:
		w.fallen[id] = k
	}
}

func (w *Watcher) wentBack(r *Report, id recount.Partition) {
	r.Find(WatermarkNeverBack, "the watermark of %s/%d went from %s back to %s", id.Topic, id.Partition, w.ks[id], w.fallen[id])
}
