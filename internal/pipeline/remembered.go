package pipeline

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// remembered is K of a partition, also where Kafka has forgotten it: a broker
// that was killed can answer, and let transactions commit, from a state older
// than its log. Nobody folds a range before all of its partition before it is
// published, so that K is not below where the last range begins. Whether that
// one is published the ledger's topic tells.
func (w *worker) remembered(ctx context.Context, id projections.TopicPartition, k, p projections.Position) (projections.Position, error) {
	last, ranges := projections.LedgerRow{Range: projections.Range{To: k}}, 0
	for compare(last.To, p) < 0 {
		rows, err := w.Store.LedgerFrom(ctx, id, last.To, ledgerPage)
		if err != nil {
			return k, err
		}
		if len(rows) == 0 {
			return k, nil // who recovers finds what is amiss
		}
		for i := range rows {
			if compare(last.To, p) < 0 {
				last = rows[i]
				ranges++
			}
		}
	}
	if ranges < 2 {
		return k, nil
	}
	published := last.From
	err := w.readAll(ctx, w.cfg.ledgerTopic(), func(rec *kgo.Record) error {
		row, err := schemas.ParseLedgerRow(rec.Value)
		if err == nil && !row.Noted && source(&row) == id && compare(end(&row), p) == 0 {
			published = p
		}
		return err
	})
	if err != nil {
		return k, err
	}
	w.log.WarnContext(ctx, "Kafka has forgotten up to where this group has published: the ledger's topic tells", "topic", id.Topic, "partition", id.Partition,
		"kafka", k.Offset, "published", published.Offset, "folded", p.Offset)
	return published, nil
}
