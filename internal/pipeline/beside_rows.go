package pipeline

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
)

// row takes one range of the ledger, from where its partition stands: into the
// batch in the making, or, of a tick, by itself.
func (b *beside) row(ctx context.Context, row *projections.LedgerRow) error {
	p := b.parts[row.TopicPartition]
	if p == nil {
		return halt("the ledger has rows of %s/%d, of which generation %d does not know where it begins: partitions were added, and keys moved", row.Topic, row.Partition, b.gen.Number)
	}
	if compare(row.From, p.folded) > 0 {
		return halt("the ledger has no row of %s/%d that begins at offset %d: rows of Postgres were deleted by hand; restore them", row.Topic, row.Partition, p.folded.Offset)
	}
	v, err := b.by(ctx, row.CatalogVersion)
	if err != nil {
		return err
	}
	if v != b.now {
		if err := b.drain(ctx); err != nil {
			return err
		}
		b.now = v
	}
	if row.From.Step > 0 || row.To.Step > 0 {
		return b.step(ctx, p, row)
	}
	return b.plain(ctx, p, row)
}

// plain takes a range of whole records. A tick among them is folded by itself:
// it is the whole range, or one that other rules had passed over.
func (b *beside) plain(ctx context.Context, p *partition, row *projections.LedgerRow) error {
	for compare(p.folded, row.To) < 0 {
		// A long range goes in parts: none need be read as a whole.
		to := row.To
		if room := int64(max(1, b.pace.batch()-b.queued)); to.Offset-p.folded.Offset > room {
			to = projections.Position{Offset: p.folded.Offset + room}
		}
		if err := b.log.need(ctx, p, to); err != nil {
			return err
		}
		n := 0
		for n < len(p.queue) && p.queue[n].offset < to.Offset {
			n++
		}
		in := b.now.intakes[0]
		before := len(in.ranges)
		tick, err := in.take(ctx, p, n)
		if err != nil {
			return err
		}
		if tick == nil {
			b.took(p, n, before, to)
			if b.queued >= b.pace.batch() {
				if err := b.flush(ctx); err != nil {
					return err
				}
			}
			continue
		}
		if len(in.ranges) > before {
			b.took(p, in.taken[before], before, projections.Position{Offset: tick.Offset})
		}
		if b.now.same && (tick.Offset != row.From.Offset || row.To.Offset != tick.Offset+1) {
			return halt("%s/%d was folded from offset %d to %d at once, and its log now has a tick at %d: it is another log", row.Topic, row.Partition, row.From.Offset, row.To.Offset, tick.Offset)
		}
		after := projections.Position{Offset: tick.Offset + 1}
		if err := b.tick(ctx, p, projections.BesideTick{Source: tick, All: !b.now.same, Limit: int(row.Due)}, after); err != nil {
			return err
		}
		p.pop(1)
		p.folded = after
	}
	return nil
}

// took moves a partition on, beyond records that the intake has taken as its
// last range.
func (b *beside) took(p *partition, n, before int, to projections.Position) {
	in := b.now.intakes[0]
	if len(in.ranges) == before {
		// Offsets without records, such as the rest of a range.
		in.ranges = append(in.ranges, projections.Range{TopicPartition: p.TopicPartition, From: p.folded})
	}
	in.ranges[len(in.ranges)-1].To = to
	// Nobody wants what is no event a second time, but where it stands.
	for i := range in.rejects {
		in.refused = append(in.refused, projections.Place{TopicPartition: p.TopicPartition, Offset: in.rejects[i].Offset})
	}
	clear(in.rejects)
	in.rejects = in.rejects[:0]
	b.queued += n
	p.pop(n)
	p.folded = to
}

// step takes one step of a tick. Other rules than those by which it was folded
// may make other users due: they see to everybody in the first step.
func (b *beside) step(ctx context.Context, p *partition, row *projections.LedgerRow) error {
	tick, looked := b.seen[p.TopicPartition]
	if err := b.log.need(ctx, p, row.To); err != nil {
		return err
	}
	if !looked {
		// The window must see the record, though it is not folded but once.
		if err := b.flush(ctx); err != nil {
			return err
		}
		in := b.now.intakes[0]
		var err error
		if tick, err = in.take(ctx, p, 1); err != nil {
			return err
		}
		in.reset()
		done, err := b.store.SwitchAt(ctx, row.TopicPartition, row.From.Offset)
		if err != nil {
			return err
		}
		if tick == nil && done != nil {
			return b.passSwitch(ctx, p, row)
		}
		if tick == nil && b.now.same {
			return halt("%s/%d had a tick at offset %d, and its log now has none there: it is another log", row.Topic, row.Partition, row.From.Offset)
		}
		b.seen[p.TopicPartition] = tick
	}
	if !b.now.same && row.From.Step > 0 {
		tick = nil
	}
	if err := b.tick(ctx, p, projections.BesideTick{Source: tick, All: !b.now.same, Limit: int(row.Due)}, row.To); err != nil {
		return err
	}
	if p.folded = row.To; row.To.Step == 0 {
		delete(b.seen, p.TopicPartition)
		p.pop(1)
	}
	return nil
}

// tick folds a tick's step, after all that was taken before it.
func (b *beside) tick(ctx context.Context, p *partition, tick projections.BesideTick, to projections.Position) error {
	if err := b.flush(ctx); err != nil {
		return err
	}
	if err := b.settled(); err != nil {
		return err
	}
	tick.Range = projections.Range{TopicPartition: p.TopicPartition, From: p.folded, To: to}
	began := time.Now()
	if err := b.foldTick(ctx, &tick); err != nil {
		return err
	}
	b.now.intakes[0].reset()
	b.pace.folded(1, time.Since(began))
	return nil
}

// fold is a transaction under way.
type fold struct {
	done    chan struct{}
	records int
	took    time.Duration
	err     error
}

// flush begins to fold what was taken, once what was before is folded. The
// next batch is taken meanwhile.
func (b *beside) flush(ctx context.Context) error {
	if b.now == nil || b.now.intakes[0].empty() {
		return nil
	}
	if err := b.settled(); err != nil {
		return err
	}
	if err := b.yield(ctx); err != nil {
		return err
	}
	v, in := b.now, b.now.intakes[0]
	if err := b.openBulk(ctx); err != nil {
		return err
	}
	v.intakes[0], v.intakes[1] = v.intakes[1], v.intakes[0]
	v.intakes[0].reset()
	f := &fold{done: make(chan struct{}), records: b.queued}
	b.folded, b.queued, b.running = b.folded+b.queued, 0, f
	for _, p := range b.parts {
		p.flushed = p.folded.Offset
	}
	patience := b.pace.patience()
	go func() {
		defer close(f.done)
		began := time.Now()
		f.err = errors.Wrapf(v.fold(ctx, in, patience), "fold %d records", f.records)
		f.took = time.Since(began)
	}()
	return nil
}

// settled waits for the transaction that is under way.
func (b *beside) settled() error {
	f := b.running
	if f == nil {
		return nil
	}
	<-f.done
	b.running = nil
	if f.err == nil {
		for _, p := range b.parts {
			p.stored(p.flushed)
		}
		b.pace.folded(f.records, f.took)
	}
	return f.err
}

// yield tells how fast it goes, and lets what is live go first.
func (b *beside) yield(ctx context.Context) error {
	if err := b.report(ctx); err != nil {
		return err
	}
	if now := time.Now(); b.pace.max == 0 && !b.pace.hurry && now.Sub(b.looked) >= lookEvery {
		b.looked = now
		live, err := b.store.Folded(ctx)
		if err != nil {
			return err
		}
		b.pace.look(live, now)
	}
	b.pace.wait(ctx)
	return ctx.Err()
}
