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

// forgotten reads, from the ledger's topic, the rows that Postgres has
// forgotten of the partitions, in the ledger's order, and the last number
// given. The rows of a partition must lead from P to K without a gap. Beyond K
// may lie one more, which was only noted: it was folded before others that are
// published, and so it must be again.
func (e *engine) forgotten(ctx context.Context, parts map[projections.TopicPartition]*partition) (rows []schemas.LedgerRow, last int64, err error) {
	var noted []schemas.LedgerRow
	err = e.readAll(ctx, e.cfg.ledgerTopic(), func(rec *kgo.Record) error {
		row, err := schemas.ParseLedgerRow(rec.Value)
		if err != nil {
			return haltError{errors.Wrapf(err, "record %d of %s", rec.Offset, rec.Topic)}
		}
		last = max(last, row.Number)
		switch p := parts[source(&row)]; {
		case p == nil || compare(end(&row), p.folded) <= 0:
		case row.Noted:
			noted = append(noted, row)
		default:
			rows = append(rows, row)
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	slices.SortFunc(rows, func(a, b schemas.LedgerRow) int { return cmp.Compare(a.Number, b.Number) })
	at := map[projections.TopicPartition]projections.Position{}
	for id, p := range parts {
		at[id] = p.folded
	}
	for i := range rows {
		id := source(&rows[i])
		if compare(start(&rows[i]), at[id]) != 0 {
			return nil, 0, gap(e.cfg.ledgerTopic(), id, at[id], start(&rows[i]))
		}
		at[id] = end(&rows[i])
	}
	for id, p := range parts {
		if compare(at[id], p.published) < 0 {
			return nil, 0, gap(e.cfg.ledgerTopic(), id, at[id], p.published)
		}
	}
	return withNotes(rows, noted, at), last, nil
}

// withNotes adds the noted rows that begin where the published ones of their
// partition end, in the ledger's order. Nobody folds beyond a row before it is
// published: other notes are of rows that are published by now, or that were
// folded otherwise after an earlier restore. Of two, the older is one of these.
func withNotes(rows, noted []schemas.LedgerRow, ends map[projections.TopicPartition]projections.Position) []schemas.LedgerRow {
	latest := map[projections.TopicPartition]schemas.LedgerRow{}
	for _, row := range noted {
		if id := source(&row); compare(start(&row), ends[id]) == 0 && row.Number > latest[id].Number {
			latest[id] = row
		}
	}
	for _, row := range latest {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b schemas.LedgerRow) int { return cmp.Compare(a.Number, b.Number) })
	return rows
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
