package oracle

import (
	"context"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// source is one partition of the log with what Postgres holds of it.
type source struct {
	id      recount.Partition
	log     *logReader
	history *cursor[schemas.BadgeEvent]
	rejects *cursor[rejected]
	// disputed are records that were rejected when they were folded and are valid
	// by now, until they come again.
	disputed map[int64]digest
	// decisions are those of people.
	decisions *cursor[recount.Decision]
}

// refold counts the log in the ledger's order, one event at a time, and
// compares each range's badge events and rejects with those in Postgres.
func (p *pass) refold(ctx context.Context) error {
	if err := p.openCounts(ctx); err != nil {
		return err
	}
	ledger, err := p.openLedger(ctx)
	if err != nil {
		return err
	}
	sources := map[recount.Partition]*source{}
	defer func() {
		for _, s := range sources {
			s.log.cl.Close()
			p.report.Records += s.log.records
		}
	}()
	t := &tiling{at: map[recount.Partition]position{}, ends: map[recount.Partition]bool{}, number: map[recount.Partition]int64{}}
	for {
		row, err := ledger.peek(ctx)
		if err != nil {
			return err
		}
		if row == nil {
			break
		}
		p.tile(t, row)
		p.ledgerPublished(row)
		p.held = p.count
		if err := p.by(row.CatalogVersion); err != nil {
			return err
		}
		s := sources[rowPartition(row)]
		if s == nil {
			if s, err = p.open(ctx, len(sources), row); err != nil {
				return err
			}
			sources[s.id] = s
		}
		if err := p.foldRow(ctx, s, row); err != nil {
			return errors.Wrapf(err, "fold %s", rowText(row))
		}
		ledger.pop()
	}
	if err := p.by(p.stored.version); err != nil {
		return err
	}
	p.tiled(t)
	return p.beyond(ctx, sources)
}

// by goes on by a version of the catalogue.
func (p *pass) by(version int64) error {
	cat := p.stored.catalogs[version]
	if cat == nil {
		return errors.Newf("the ledger names version %d of the catalogue, which is not stored", version)
	}
	if p.counts[cat.RulesHash] == nil {
		p.counts[cat.RulesHash] = p.newCount(cat, version)
	}
	p.count = p.counts[cat.RulesHash]
	return p.count.Switch(cat, version)
}

// openCounts begins a recount by each set of rules that the ledger ever names.
func (p *pass) openCounts(ctx context.Context) error {
	rows, err := p.tx.Query(ctx, `SELECT DISTINCT catalog_version FROM `+p.stored.base()+`.ledger ORDER BY 1`)
	if err != nil {
		return errors.Wrap(err, "look which catalogues the ledger names")
	}
	versions, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return errors.Wrap(err, "look which catalogues the ledger names")
	}
	p.counts = map[string]*recount.Recount{}
	for _, version := range versions {
		if cat := p.stored.catalogs[version]; cat != nil && p.counts[cat.RulesHash] == nil {
			p.counts[cat.RulesHash] = p.newCount(cat, version)
		}
	}
	return nil
}

func (p *pass) newCount(cat *catalog.Catalog, version int64) *recount.Recount {
	whose := func(user string) bool {
		// The first pass looks at how everybody's changes are numbered, and of who
		// was erased only the log has them.
		return p.mine(user) || p.first() && p.stored.erasure(user) != nil
	}
	if p.report.Passes == 1 {
		whose = nil
	}
	r := recount.New(p.cfg.Group, cat, version, whose)
	r.HashBy(func(user string) schemas.UserHash { return schemas.HashUser(p.stored.secret, user) })
	return r
}

// beside counts a record by the rules that do not hold. They see to everybody
// whom a tick makes due at once.
func (p *pass) beside(id recount.Partition, rec *recount.Record) {
	anew := *rec // other rules did not reject it
	anew.Refused = false
	for _, other := range p.counts {
		if other == p.count {
			continue
		}
		if verdict, _, _ := other.Record(&anew); verdict == recount.Tick {
			other.Step(id, true, 1<<62, 0)
		}
	}
}

// open begins to read a partition where its first range begins.
func (p *pass) open(ctx context.Context, n int, row *schemas.LedgerRow) (s *source, err error) {
	s = &source{id: rowPartition(row), disputed: map[int64]digest{}}
	starts, err := offsets(ctx, "first", p.adm.ListStartOffsets, s.id.Topic)
	if err != nil {
		return nil, err
	}
	start := starts[s.id]
	if p.first() && start < row.From {
		p.report.Find(LedgerTiles, "%s/%d begins at offset %d, and its first range at %d: what lies before was never folded", s.id.Topic, s.id.Partition, start, row.From)
	}
	if start > row.From {
		return nil, errors.Newf("%s/%d was folded from offset %d on, and its log now begins at %d: without the whole log, an audit against it cannot be made", s.id.Topic, s.id.Partition, row.From, start)
	}
	if s.history, err = p.openHistory(ctx, n, s.id); err != nil {
		return nil, err
	}
	if s.rejects, err = p.openRejects(ctx, n, s.id); err != nil {
		return nil, err
	}
	if s.decisions, err = p.openDecisions(ctx, n, s.id); err != nil {
		return nil, err
	}
	s.log, err = p.newLogReader(s.id, row.From)
	return s, err
}

// foldRow counts one range.
func (p *pass) foldRow(ctx context.Context, s *source, row *schemas.LedgerRow) error {
	from, to := rowFrom(row), rowTo(row)
	var changes []schemas.BadgeEvent
	var rejects []rejected
	var decisions []recount.Decision
	if row.FromStep > 0 && !p.switching(s, row) {
		changes = p.step(s, row, changes)
	}
	stored, err := rowsBelow(ctx, s.rejects, to.Offset)
	if err != nil {
		return err
	}
	before := row.To
	if row.ToStep > 0 {
		before++ // the tick itself
	}
	for {
		r, err := s.log.next(ctx, before)
		if err != nil {
			return err
		}
		if r == nil {
			break
		}
		if r.Offset < row.From {
			continue // a gap, of which the tiling tells
		}
		rec := recordOf(r)
		if why := p.dispute(s, rec, stored); why != nil {
			rejects = append(rejects, p.rejectOf(rec, why))
		}
		verdict, made, why := p.count.Record(rec)
		p.resolve(s, rec, verdict)
		p.beside(s.id, rec)
		switch verdict {
		case recount.Switch:
			// One that was done takes steps; one that was refused means nothing.
			if row.ToStep > 0 {
				if err := p.switched(ctx, s); err != nil {
					return err
				}
			}
		case recount.Decided:
			// Of who was erased later, no row is left.
			if d := p.count.Decision(s.id); p.stored.erasure(d.User) == nil {
				decisions = append(decisions, d)
			}
		case recount.Erased:
			if p.first() && (r.Offset != row.From || to != (position{Offset: r.Offset + 1})) {
				p.report.Find(ErasedAbsent, "%s folds the record at offset %d, which erases users, together with others", rowText(row), r.Offset)
			}
			p.erase(p.count.Erasure(s.id))
		case recount.Rejected:
			if rec.Refused {
				break
			}
			rejects = append(rejects, p.rejectOf(rec, why))
		case recount.Tick:
			if p.first() && (r.Offset != row.From || row.FromStep > 0 || to.compare(position{Offset: r.Offset + 1}) > 0) {
				p.report.Find(TicksWhole, "%s folds the tick at offset %d together with other records", rowText(row), r.Offset)
			}
			changes = p.step(s, row, changes)
		}
		changes = append(changes, made...)
	}
	if p.switching(s, row) {
		return nil // switched has looked at its changes
	}
	var gone []schemas.BadgeEvent
	changes = slices.DeleteFunc(changes, func(e schemas.BadgeEvent) bool {
		erased := p.stored.erasure(e.User) != nil
		if erased {
			gone = append(gone, e)
		}
		return erased
	})
	for i := range changes {
		changes[i].UserVersion += p.turn * turnVersions
	}
	if err := p.changed(ctx, s.history, to, changes, gone, from); err != nil {
		return err
	}
	if err := p.decisions(ctx, s.decisions, to, decisions); err != nil {
		return err
	}
	p.rejects(s.id, stored, rejects)
	return nil
}

// step counts one step of a tick.
func (p *pass) step(s *source, row *schemas.LedgerRow, changes []schemas.BadgeEvent) []schemas.BadgeEvent {
	due, made := p.count.Step(s.id, row.FromStep == 0, row.Due, row.FromOrdinal)
	if p.first() {
		p.report.Looked(TicksWhole, 1)
		if due != row.Due {
			p.report.Find(TicksWhole, "%s sees to %d users, and %d are due", rowText(row), row.Due, due)
		} else if row.ToStep == 0 && p.count.Left(s.id) {
			p.report.Find(TicksWhole, "%s ends the tick, and somebody is due whom it has not seen to", rowText(row))
		}
	}
	return append(changes, made...)
}

func recordOf(r *kgo.Record) *recount.Record {
	return &recount.Record{
		Partition: recount.Partition{Topic: r.Topic, Partition: r.Partition}, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(),
		Key: r.Key, Value: r.Value, Headers: headersOf(r.Headers),
	}
}
