package pipeline

import (
	"context"
	"maps"
	"slices"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
)

// errForgot says that Postgres was restored from a backup: it has forgotten
// what is published already.
var errForgot = errors.New("Postgres has folded less than is published: it was restored from a backup")

// refold folds again what a restored Postgres has forgotten, from P to K, in
// the order in which it was folded before: that of the ledger topic. Nothing
// of it is published again. All processes wait for the one that does it.
//
// Redis may hold snapshots of events that the lost database had folded and not
// published, and that will now be folded otherwise: a new epoch stands above
// them, and all snapshots are written anew.
func (e *engine) refold(ctx context.Context) error {
	done := false
	err := e.Store.Alone(ctx, "refold", func() (err error) {
		// Before anything is read: a database that is restored once more, while
		// its order of folding is looked up, is noticed.
		before := e.newWorker(-1).folder
		if err := before.Connect(ctx); err != nil {
			return err
		}
		defer func() { err = errors.CombineErrors(err, before.Close(context.WithoutCancel(ctx))) }()
		ks, _, err := committed(ctx, e.adm, e.cfg.Group, e.cfg.sources()...)
		if err != nil {
			return err
		}
		ps, err := e.positions(ctx)
		if err != nil {
			return err
		}
		// Partitions that are ahead of K remember all of theirs.
		parts, forgot := map[projections.TopicPartition]*partition{}, false
		for id, p := range ps {
			if behind := compare(p, ks[id]); behind <= 0 {
				parts[id] = &partition{TopicPartition: id, folded: p, published: ks[id]}
				forgot = forgot || behind < 0
			}
		}
		if !forgot {
			return nil
		}
		rows, last, err := e.forgotten(ctx, parts)
		if err != nil {
			return err
		}
		maps.DeleteFunc(parts, func(id projections.TopicPartition, _ *partition) bool {
			return !slices.ContainsFunc(rows, func(row schemas.LedgerRow) bool { return source(&row) == id })
		})
		if err := e.raiseEpoch(ctx, parts); err != nil {
			return err
		}
		done = true
		r := &refolder{worker: e.newWorker(-1), parts: parts}
		defer func() { err = errors.CombineErrors(err, r.folder.Close(context.WithoutCancel(ctx))) }()
		if err := r.folder.Connect(ctx); err != nil {
			return err
		}
		if err := before.Check(ctx); err != nil {
			return err
		}
		return r.run(ctx, rows, last)
	})
	if err != nil || !done {
		return err
	}
	return e.refresh(ctx)
}

// raiseEpoch begins a new epoch, which Redis knows first, and takes back the
// marks of what is folded again: until all snapshots are written anew, Redis counts as having lost
// some, also if this process dies.
func (e *engine) raiseEpoch(ctx context.Context, parts map[projections.TopicPartition]*partition) error {
	w := e.snapshotWriter()
	least, err := w.NextEpoch(ctx)
	if err != nil {
		return err
	}
	regime, err := e.Store.RaiseEpoch(ctx, least)
	if err != nil {
		return err
	}
	e.mu.Lock()
	e.installed.Regime = regime
	in := e.installed
	e.mu.Unlock()
	if in.Erased != nil || in.Erasures > 0 { // it may have forgotten who was erased, too
		if in.Erased, err = e.postgres.Erased(ctx, in.Secret); err != nil {
			return err
		}
		e.mu.Lock()
		e.installed.Erased = in.Erased
		e.mu.Unlock()
	}
	for id, p := range parts {
		if err := w.Distrust(ctx, id, p.published); err != nil {
			return err
		}
	}
	return nil
}

// refolder is a worker that follows the ledger instead of the group.
type refolder struct {
	*worker
	parts map[projections.TopicPartition]*partition
	log   *ledgerLog
}

func (r *refolder) run(ctx context.Context, rows []schemas.LedgerRow, last int64) (err error) {
	e := r.engine
	e.log.WarnContext(ctx, "Postgres was restored from a backup: what it has forgotten is folded again, in the ledger's order", "ranges", len(rows))
	if r.log, err = openLedgerLog(ctx, e.reading(), r.cat, r.parts, maxBatchBytes); err != nil {
		return err
	}
	defer r.log.close()
	// New rows must not bear numbers that the ledger topic has given already, also
	// if this process dies with its last row.
	if err := e.Store.NumberFrom(ctx, last+1); err != nil {
		return err
	}
	for i := range rows {
		if err := r.row(ctx, &rows[i]); err != nil {
			return errors.Wrapf(err, "fold row %d of the ledger again", rows[i].Number)
		}
	}
	e.log.InfoContext(ctx, "Postgres has caught up with what is published", "ranges", len(rows))
	return nil
}

// row folds one range as it was folded before, under its old number. Should
// another process do the same, as this one has lost its turn, the fold offset
// lets one of them fold it.
func (r *refolder) row(ctx context.Context, row *schemas.LedgerRow) error {
	p, to := r.parts[source(row)], end(row)
	if err := r.log.need(ctx, p, to); err != nil {
		return err
	}
	r.in.reset()
	n := 0
	for n < len(p.queue) && p.queue[n].offset < to.Offset {
		n++
	}
	if p.tick == nil {
		tick, err := r.in.take(ctx, p, max(n, 1))
		if err != nil {
			return err
		}
		p.tick = tick
		if r.in.asked != nil {
			if row.ToStep > 0 {
				return halt("Postgres was restored to before a switch of generations, the record at offset %d of %s: what was rebuilt is not in this backup; restore a newer one, or begin anew with another --group", r.in.asked.Offset, row.Topic)
			}
			// It was refused, and means nothing.
			p.refused = r.in.asked.Offset + 1
			return r.row(ctx, row)
		}
	}
	if r.in.erasing != nil && r.in.empty() {
		return r.erase(ctx, p, row)
	}
	if !r.in.empty() {
		if got := r.in.ranges[0].To; compare(got, to) != 0 {
			return halt("%s/%d was folded up to offset %d, and its log now leads to %d: it is another log", row.Topic, row.Partition, to.Offset, got.Offset)
		}
		if _, err := r.write(ctx, row.Number); err != nil {
			return err
		}
		p.pop(n)
		p.folded = to
		p.stored(to.Offset)
		return nil
	}
	r.in.batch.Reset()
	_, _, _, err := r.folder.FoldTick(ctx, &projections.TickWork{
		Batch: r.in.batch, Source: *p.tick, From: p.folded, Limit: int(row.Due), To: &to, Reason: schemas.ReasonActivity, Number: row.Number})
	if err != nil {
		return err
	}
	if p.folded = to; to.Step == 0 {
		p.tick = nil
		p.pop(1)
	}
	return nil
}

// erase erases users as they were erased before. Who goes on knows of it.
func (r *refolder) erase(ctx context.Context, p *partition, row *schemas.LedgerRow) error {
	to := projections.Position{Offset: r.in.erasing.Offset + 1}
	if compare(to, end(row)) != 0 {
		return halt("%s/%d was folded up to offset %d, and its log now leads to %d: it is another log", row.Topic, row.Partition, end(row).Offset, to.Offset)
	}
	p.erasing = r.in.erasing
	if err := r.worker.erase(ctx, p, row.Number); err != nil {
		return err
	}
	p.erasing, p.folded = nil, to
	p.pop(1)
	p.stored(to.Offset)
	before := r.folder
	r.worker = r.newWorker(-1)
	return errors.CombineErrors(before.Close(ctx), r.folder.Connect(ctx))
}
