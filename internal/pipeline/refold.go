package pipeline

import (
	"cmp"
	"context"
	"slices"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"
)

// errForgot says that Postgres was restored from a backup: it has forgotten
// what is published already.
var errForgot = errors.New("Postgres has folded less than is published: it was restored from a backup")

// refold folds again what a restored Postgres has forgotten, from P to K, in
// the order in which it was folded before: that of the ledger topic. Nothing
// of it is published again. All processes wait for the one that does it.
func (e *engine) refold(ctx context.Context) error {
	return e.store.Alone(ctx, "refold", func() error {
		ks, _, err := committed(ctx, e.adm, e.cfg.Group, e.cfg.sources()...)
		if err != nil {
			return err
		}
		ps, err := e.positions(ctx)
		if err != nil {
			return err
		}
		r := &refolder{worker: e.newWorker(-1), parts: map[projections.TopicPartition]*partition{}}
		for id, p := range ps {
			if compare(p, ks[id]) < 0 {
				r.parts[id] = &partition{TopicPartition: id, folded: p, published: ks[id]}
			}
		}
		if len(r.parts) == 0 {
			return nil
		}
		return r.run(ctx)
	})
}

// refolder is a worker that follows the ledger instead of the group.
type refolder struct {
	*worker
	parts map[projections.TopicPartition]*partition
	cl    *kgo.Client
}

func (r *refolder) run(ctx context.Context) (err error) {
	e := r.engine
	rows, last, err := r.ledger(ctx)
	if err != nil {
		return err
	}
	e.log.WarnContext(ctx, "Postgres was restored from a backup: what it has forgotten is folded again, in the ledger's order", "ranges", len(rows))
	starts := map[string]map[int32]kgo.Offset{}
	for id, p := range r.parts {
		if p.window, err = r.warm(ctx, id, p.folded.Offset); err != nil {
			return err
		}
		if starts[id.Topic] == nil {
			starts[id.Topic] = map[int32]kgo.Offset{}
		}
		starts[id.Topic][id.Partition] = kgo.NewOffset().At(p.folded.Offset)
	}
	if r.cl, err = kgo.NewClient(append(isolated(&e.cfg), kgo.ConsumePartitions(starts))...); err != nil {
		return errors.Wrap(err, "make a Kafka client")
	}
	defer r.cl.Close()
	defer func() { err = errors.CombineErrors(err, r.folder.Close(context.WithoutCancel(ctx))) }()
	for i := range rows {
		if err := r.row(ctx, &rows[i]); err != nil {
			return errors.Wrapf(err, "fold row %d of the ledger again", rows[i].Number)
		}
	}
	// New rows must not bear numbers that the ledger topic has given already.
	if err := e.store.NumberFrom(ctx, last+1); err != nil {
		return err
	}
	e.log.InfoContext(ctx, "Postgres has caught up with what is published", "ranges", len(rows))
	return nil
}

// ledger reads, from its topic, the rows that Postgres has forgotten, in the
// ledger's order, and the last number given. The rows of a partition must lead
// from P to K without a gap.
func (r *refolder) ledger(ctx context.Context) (rows []schemas.LedgerRow, last int64, err error) {
	err = r.readAll(ctx, r.cfg.ledgerTopic(), func(rec *kgo.Record) error {
		row, err := schemas.ParseLedgerRow(rec.Value)
		if err != nil {
			return haltError{errors.Wrapf(err, "record %d of %s", rec.Offset, rec.Topic)}
		}
		last = max(last, row.Number)
		if p := r.parts[source(&row)]; p != nil && compare(end(&row), p.folded) > 0 {
			rows = append(rows, row)
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	slices.SortFunc(rows, func(a, b schemas.LedgerRow) int { return cmp.Compare(a.Number, b.Number) })
	at := map[projections.TopicPartition]projections.Position{}
	for id, p := range r.parts {
		at[id] = p.folded
	}
	for i := range rows {
		id := source(&rows[i])
		if compare(start(&rows[i]), at[id]) != 0 {
			return nil, 0, gap(r.cfg.ledgerTopic(), id, at[id], start(&rows[i]))
		}
		at[id] = end(&rows[i])
	}
	for id, p := range r.parts {
		if compare(at[id], p.published) != 0 {
			return nil, 0, gap(r.cfg.ledgerTopic(), id, at[id], p.published)
		}
	}
	return rows, last, nil
}

func gap(topic string, id projections.TopicPartition, from, to projections.Position) error {
	return halt("Postgres was restored from a backup, and %s does not say in which order %s/%d was folded from offset %d to %d: folded in another order, badges that came and went, and places of first-comers, may differ from those published; restore a newer backup, or begin anew with another --group",
		topic, id.Topic, id.Partition, from.Offset, to.Offset)
}

func source(r *schemas.LedgerRow) projections.TopicPartition {
	return projections.TopicPartition{Topic: r.Topic, Partition: r.Partition}
}

func start(r *schemas.LedgerRow) projections.Position {
	return projections.Position{Offset: r.From, Step: r.FromStep, Ordinal: r.FromOrdinal}
}

func end(r *schemas.LedgerRow) projections.Position {
	return projections.Position{Offset: r.To, Step: r.ToStep, Ordinal: r.ToOrdinal}
}

// row folds one range as it was folded before, under its old number.
func (r *refolder) row(ctx context.Context, row *schemas.LedgerRow) error {
	p, to := r.parts[source(row)], end(row)
	if err := r.need(ctx, p, to); err != nil {
		return err
	}
	if err := r.store.NumberFrom(ctx, row.Number); err != nil {
		return err
	}
	r.in.reset()
	n := 0
	for n < len(p.queue) && p.queue[n].Offset < to.Offset {
		n++
	}
	if p.tick == nil {
		tick, err := r.in.take(p, max(n, 1))
		if err != nil {
			return err
		}
		p.tick = tick
	}
	if !r.in.empty() {
		if got := r.in.ranges[0].To; compare(got, to) != 0 {
			return halt("%s/%d was folded up to offset %d, and its log now leads to %d: it is another log", row.Topic, row.Partition, to.Offset, got.Offset)
		}
		if _, err := r.write(ctx); err != nil {
			return err
		}
		p.pop(n)
		p.folded = to
		return nil
	}
	r.in.batch.Reset()
	_, _, _, err := r.folder.FoldTick(ctx, &projections.TickWork{
		Batch: r.in.batch, Source: *p.tick, From: p.folded, Limit: int(row.Due), To: &to, Reason: schemas.ReasonActivity})
	if err != nil {
		return err
	}
	if p.folded = to; to.Step == 0 {
		p.tick = nil
		p.pop(1)
	}
	return nil
}

// need polls until the records up to a position are there.
func (r *refolder) need(ctx context.Context, p *partition, to projections.Position) error {
	last := to.Offset
	if to.Step > 0 {
		last++
	}
	for p.seen < last {
		patience, cancel := context.WithTimeout(ctx, warmPatience)
		fetches := r.cl.PollRecords(patience, maxBatch)
		cancel()
		if err := fetches.Err(); err != nil {
			return explain(errors.Wrapf(err, "read %s/%d up to offset %d", p.Topic, p.Partition, last))
		}
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			if q := r.parts[projections.TopicPartition{Topic: f.Topic, Partition: f.Partition}]; q != nil {
				q.push(&f.FetchPartition)
			}
		})
		r.balance(p)
	}
	return nil
}

// balance keeps partitions from filling the memory while another one is needed.
func (r *refolder) balance(needed *partition) {
	for id, p := range r.parts {
		topics := map[string][]int32{id.Topic: {id.Partition}}
		if p != needed && p.bytes > maxBatchBytes/len(r.parts) {
			r.cl.PauseFetchPartitions(topics)
		} else {
			r.cl.ResumeFetchPartitions(topics)
		}
	}
}
