package pipeline

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// remembered is K of a partition, also where Kafka has forgotten it: a broker
// that was killed can answer, and let transactions commit, from a state older
// than its log. Nobody begins with a record before all of its partition before
// it is published, so that K is not below where the last range begins that does
// not go on within a record. How much of what follows is published the ledger's
// topic tells.
func (w *worker) remembered(ctx context.Context, id projections.TopicPartition, k, p projections.Position) (projections.Position, error) {
	known := k
	var after []projections.LedgerRow // known, in order
	for at := k; compare(at, p) < 0; {
		rows, err := w.Store.LedgerFrom(ctx, id, at, ledgerPage)
		if err != nil {
			return k, err
		}
		if len(rows) == 0 {
			return k, nil // who recovers finds what is amiss
		}
		for i := range rows {
			if rows[i].From.Step == 0 {
				known, after = rows[i].From, nil
			}
			after = append(after, rows[i])
			if at = rows[i].To; compare(at, p) >= 0 {
				break
			}
		}
	}
	if compare(known, k) <= 0 {
		return k, nil
	}
	published := map[projections.Position]bool{} // ends
	err := w.readAll(ctx, w.cfg.ledgerTopic(), func(rec *kgo.Record) error {
		row, err := schemas.ParseLedgerRow(rec.Value)
		if err == nil && !row.Noted && source(&row) == id && compare(end(&row), known) > 0 {
			published[end(&row)] = true
		}
		return err
	})
	if err != nil {
		return k, err
	}
	for i := range after {
		if published[after[i].To] {
			known = after[i].To
		}
	}
	w.log.WarnContext(ctx, "Kafka has forgotten up to where this group has published: the ledger's topic tells", "topic", id.Topic, "partition", id.Partition,
		"kafka", k.Offset, "published", known.Offset, "folded", p.Offset)
	return known, nil
}
