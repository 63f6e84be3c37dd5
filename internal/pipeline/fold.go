package pipeline

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
)

// fold folds what is queued, in one transaction, and publishes it.
func (w *worker) fold(ctx context.Context) (err error) {
	began := time.Now()
	if err := w.gather(ctx); err != nil || w.in.empty() {
		return err
	}
	ctx, span := w.tel.Batch(ctx, w.in.links)
	defer func() { w.tel.End(span, err) }()
	ahead := w.fetchAhead(ctx)
	out, err := w.commit(ctx)
	unread := ahead.stop(w)
	if err != nil {
		return err
	}
	w.observeFold(ctx, time.Since(began))
	if err := w.show(ctx, out, w.in.rejects); err != nil {
		return err
	}
	w.observeBatch(ctx, time.Since(began))
	w.adapt(time.Since(began))
	return unread
}

// gather fills the batch from the queues. Partitions in a tick, or with
// something to recover, wait.
func (w *worker) gather(ctx context.Context) (err error) {
	w.in.reset()
	left := w.limit
	for _, p := range w.order {
		if p.waits() || p.recovering() || left == 0 {
			continue
		}
		if p.tick, err = w.in.take(ctx, p, left); err != nil {
			return err
		}
		p.asked, p.erasing = w.in.asked, w.in.erasing
		if p.waits() {
			w.pause(p)
		}
		if n := len(w.in.ranges); n > 0 && w.in.ranges[n-1].TopicPartition == p.TopicPartition {
			p.release(w.in.taken[n-1])
		}
		left -= int(w.in.tally.records)
	}
	return nil
}

// commit folds what was gathered, and moves the partitions on.
func (w *worker) commit(ctx context.Context) (*projections.Outcome, error) {
	out, err := w.write(ctx, 0)
	if err != nil {
		return nil, err
	}
	for i, r := range w.in.ranges {
		p := w.parts[r.TopicPartition]
		p.pop(w.in.taken[i])
		p.folded = r.To
		p.stored(r.To.Offset)
	}
	return out, nil
}

// write is the first commit point: what was gathered counts. The number is that
// of the ledger's row, or 0 for the next.
func (w *worker) write(ctx context.Context, number int64) (out *projections.Outcome, err error) {
	ctx, span := w.tel.Stage(ctx, telemetry.StageFold)
	defer func() { w.tel.End(span, err) }()
	out, err = w.folder.Fold(ctx, &projections.Work{Batch: w.in.batch, Ranges: w.in.ranges, Rejects: w.in.rejects, Reason: schemas.ReasonActivity, Number: number})
	return out, errors.Wrapf(err, "fold %d ranges", len(w.in.ranges))
}

// step folds one bounded step of a tick, and publishes it.
func (w *worker) step(ctx context.Context, p *partition) error {
	w.in.batch.Reset()
	out, done, to, err := w.folder.FoldTick(ctx, &projections.TickWork{
		Batch: w.in.batch, Source: *p.tick, From: p.folded, Limit: tickStep, Reason: schemas.ReasonActivity})
	if err != nil {
		return errors.Wrapf(err, "fold a step of the tick at %s/%d offset %d", p.Topic, p.Partition, p.folded.Offset)
	}
	p.folded = to
	if done {
		p.tick = nil
		p.pop(1)
		w.resume(p)
	}
	err = w.show(ctx, out, nil) // it is the batch's until the next reset
	w.in.reset()
	return err
}

// pause fetches no more of a partition until it is resumed: its queue would
// grow for as long as its tick has steps.
func (w *worker) pause(p *partition) {
	w.session.Client().PauseFetchPartitions(map[string][]int32{p.Topic: {p.Partition}})
}

func (w *worker) resume(p *partition) {
	w.session.Client().ResumeFetchPartitions(map[string][]int32{p.Topic: {p.Partition}})
}

// show makes a committed outcome visible: snapshots first, acknowledged, then
// badge events, dead letters, the ledger and the offsets, all at once.
func (w *worker) show(ctx context.Context, out *projections.Outcome, rejects []projections.Reject) error {
	if err := w.writeSnapshots(ctx, out.Finals, out.Ledger...); err != nil {
		return err
	}
	pub := &publication{to: map[projections.TopicPartition]projections.Position{}}
	for i := range out.History {
		w.badge(pub, &out.History[i])
	}
	for i := range rejects {
		w.deadLetter(pub, &rejects[i])
	}
	if err := w.note(ctx, pub, out.Ledger); err != nil {
		return err
	}
	for i := range out.Ledger {
		w.ledgerRow(pub, &out.Ledger[i], false)
		pub.to[out.Ledger[i].TopicPartition] = out.Ledger[i].To
	}
	if err := w.publish(ctx, pub); err != nil {
		return err
	}
	w.observeAwards(ctx, out.History)
	if w.seen != nil {
		w.seen.add(out.Finals)
	}
	return nil
}

// adapt lets the batch grow with the backlog, and shrink when there is none.
func (w *worker) adapt(took time.Duration) {
	if w.cfg.Batch > 0 {
		return
	}
	if !w.behind() {
		w.room.leave(w.slot)
		w.limit = max(firstBatch, w.limit/2)
		return
	}
	var behind int64
	for _, p := range w.order {
		behind += max(0, p.end-p.folded.Offset)
	}
	w.limit = min(4*w.limit, w.room.limit(w.slot, behind, took))
}
