package memstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/simtest/fault"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
)

type reason = schemas.BadgeReason

// commit sends COMMIT. Where no answer comes, it asks until it knows, as
// projections.Folder does.
func (t *transaction) commit(ctx context.Context) (*projections.Outcome, error) {
	store := t.folder.store
	fate := store.send(ctx, "commit")
	var out *projections.Outcome
	var failed error
	if fate != fault.Fails {
		out, failed = t.write()
	}
	if fate == fault.Works && !errors.Is(failed, errSession) {
		return out, failed
	}
	t.folder.drop()
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for store.send(asking, "settle") != fault.Works {
		select {
		case <-store.dead:
			return nil, errors.Wrap(fault.ErrBroken, "settle")
		default:
		}
		if asking.Err() != nil {
			return nil, &projections.Unsettled{Cause: errors.Wrap(fault.ErrBroken, "commit"), Err: asking.Err()}
		}
		pause(asking, settlePause)
	}
	if out == nil {
		return nil, errors.Wrap(projections.ErrNotCommitted, "commit")
	}
	return out, nil
}

// write makes everything true at once. Its locks are still held, so that two
// transactions with a common row get their numbers in the order in which they
// take effect.
func (t *transaction) write() (*projections.Outcome, error) {
	s := t.folder.store.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.session.ended() {
		return nil, errSession
	}
	if err := t.apply(s.rows); err != nil {
		return nil, err
	}
	out := &projections.Outcome{Changes: t.batch.Changes(), Epoch: s.installed.Epoch, Attempts: 1}
	if t.tick || t.folder.cat.HasAgeBadges {
		out.Clock = s.rows.Clock()
	}
	for _, f := range t.batch.Finals() {
		out.Finals = append(out.Finals, copied(f))
	}
	for i := range out.Changes {
		out.History = append(out.History, t.historyRow(&out.Changes[i]))
	}
	s.history = append(s.history, out.History...)
	s.decisions = append(s.decisions, t.batch.Decisions()...)
	for _, r := range t.rejects {
		s.rejects = append(s.rejects, stored(r))
	}
	for _, r := range t.ranges {
		number := t.number
		if number == 0 {
			s.number++
			number = s.number
		}
		row := projections.LedgerRow{Number: number, Range: r, CatalogVersion: t.folder.in.CatalogVersion}
		if t.tick {
			row.Due = int32(len(out.Finals))
		}
		out.Ledger = append(out.Ledger, row)
		st := s.standings[r.TopicPartition]
		st.Position = r.To
		s.standings[r.TopicPartition] = st
	}
	s.ledger = append(s.ledger, out.Ledger...)
	s.release(t.session)
	return out, nil
}

func (t *transaction) historyRow(c *processor.Change) projections.HistoryRow {
	cat := t.folder.cat
	badge := &cat.Badges[c.Badge]
	row := projections.HistoryRow{
		TopicPartition: projections.TopicPartition{Topic: c.Source.Topic, Partition: c.Source.Partition}, Offset: c.Source.Offset, Ordinal: c.Ordinal,
		User: strings.Clone(c.User), Badge: badge.Slug, Category: badge.Category, Criterion: badge.Criterion, Tier: int32(badge.Tier),
		Revoked: c.Revoked, At: c.Source.Time, EarnedAt: c.EarnedAt, EventID: strings.Clone(c.Source.ID), EventSource: strings.Clone(c.Source.Origin),
		Version: c.Version, CatalogVersion: t.folder.in.CatalogVersion, Reason: t.reason,
	}
	if c.ByHand {
		row.Reason = schemas.ReasonManual
	}
	for i, n := range cat.CriterionCounters(c.Badge) {
		row.Counters = append(row.Counters, schemas.Number{Name: cat.Counters[n].Name, Value: c.Counters[i]})
	}
	return row
}

// stored is a reject as a table keeps it.
func stored(r projections.Reject) projections.Reject {
	r.Detail = strings.ReplaceAll(strings.ToValidUTF8(r.Detail, "\uFFFD"), "\x00", "\uFFFD")
	r.Key, r.Value, r.Headers = slices.Clone(r.Key), slices.Clone(r.Value), slices.Clone(r.Headers)
	for i := range r.Headers {
		r.Headers[i].Key, r.Headers[i].Value = strings.Clone(r.Headers[i].Key), slices.Clone(r.Headers[i].Value)
	}
	return r
}

func name(p projections.TopicPartition) string { return fmt.Sprintf("%s/%d", p.Topic, p.Partition) }
