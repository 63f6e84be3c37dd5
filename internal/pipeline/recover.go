package pipeline

import (
	"context"
	"maps"
	"slices"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
)

// recover makes visible what a predecessor folded and did not publish, from K
// to P: the snapshots of everybody whom the records may have credited, and the
// badge events from the history.
func (w *worker) recover(ctx context.Context, p *partition) error {
	w.log.InfoContext(ctx, "publishing what was folded before", "topic", p.Topic, "partition", p.Partition, "from", p.published.Offset, "to", p.folded.Offset)
	ledger, err := w.recoverLedger(ctx, p)
	if err != nil {
		return err
	}
	to := p.folded
	if ledger[0].To.Step > 0 && len(ledger) > 1 {
		// A switch gives more badge events than one Kafka transaction should hold.
		to, ledger = ledger[0].To, ledger[:1]
	}
	pub := &publication{to: map[projections.TopicPartition]projections.Position{p.TopicPartition: to}}
	changed := map[string]struct{}{} // users
	err = w.Store.HistoryRange(ctx, p.TopicPartition, mark(p.published), mark(to), func(row *projections.HistoryRow) error {
		w.badge(pub, row)
		changed[row.User] = struct{}{}
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.recoverSnapshots(ctx, p, ledger, changed); err != nil {
		return err
	}
	err = w.Store.Rejects(ctx, p.TopicPartition, p.published.Offset, to.Offset, func(r *projections.Reject) error {
		w.deadLetter(pub, r)
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.note(ctx, pub, ledger); err != nil {
		return err
	}
	for i := range ledger {
		w.ledgerRow(pub, &ledger[i], false)
	}
	// If Postgres went back to a backup meanwhile, some of what was read is not
	// what was folded.
	if err := w.folder.Check(ctx); err != nil {
		return err
	}
	if err := w.publish(ctx, pub); err != nil {
		return err
	}
	if to == p.folded {
		p.replay = nil
	}
	return nil
}

func mark(p projections.Position) projections.Mark {
	return projections.Mark{Offset: p.Offset, Ordinal: p.Ordinal}
}

// recoverLedger reads the ledger's rows from K to P: each begins where the one
// before it ends.
func (w *worker) recoverLedger(ctx context.Context, p *partition) (ledger []projections.LedgerRow, err error) {
	for at := p.published; compare(at, p.folded) < 0; at = ledger[len(ledger)-1].To {
		rows, err := w.Store.LedgerFrom(ctx, p.TopicPartition, at, 1)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 || compare(rows[0].From, at) != 0 {
			if err := w.folder.Check(ctx); err != nil {
				return nil, err // it went back to a backup
			}
			return nil, halt("the ledger has no row of %s/%d that begins at offset %d, though it is folded up to %d: rows of Postgres were deleted by hand; restore them", p.Topic, p.Partition, at.Offset, p.folded.Offset)
		}
		ledger = append(ledger, rows[0])
	}
	return ledger, nil
}

// recoverSnapshots writes the snapshots of all users whom the records between
// K and P may have credited, and of those whose badges changed. Whom else a tick
// made due nothing says: then the marker is taken back, so that all snapshots
// are written anew.
func (w *worker) recoverSnapshots(ctx context.Context, p *partition, ledger []projections.LedgerRow, changed map[string]struct{}) error {
	w.in.reset()
	ticked := p.folded.Step > 0
	scratch := &partition{TopicPartition: p.TopicPartition, window: processor.NewWindow(w.cat.DedupeWindow)}
	for i := range p.replay {
		if p.replay[i].control {
			continue
		}
		tick, err := w.in.record(ctx, scratch, &p.replay[i])
		if err != nil {
			return err
		}
		ticked = ticked || tick
	}
	rows := w.Store.Users(w.installed, w.cat)
	for _, user := range w.in.batch.Credited() {
		changed[user] = struct{}{}
	}
	for users := slices.Sorted(maps.Keys(changed)); len(users) > 0; {
		n := min(len(users), firstBatch)
		finals, err := rows.Of(ctx, users[:n]...)
		if err != nil {
			return err
		}
		if err := w.writeSnapshots(ctx, finals); err != nil {
			return err
		}
		users = users[n:]
	}
	if ticked && w.cat.HasAgeBadges {
		return w.redis.Distrust(ctx, p.TopicPartition, p.folded)
	}
	return w.writeSnapshots(ctx, nil, ledger...)
}
