package oracle

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// openHistory streams the history of a partition, in the order of causes.
func (p *pass) openHistory(ctx context.Context, n int, id recount.Partition) (*cursor[schemas.BadgeEvent], error) {
	return openCursor(ctx, p.tx, fmt.Sprintf("audit_history_%d", n), `SELECT "offset", ordinal, user_id, badge, category, criterion, tier, revoked,
(extract(epoch FROM at) * 1000000)::bigint, (extract(epoch FROM earned_at) * 1000000)::bigint, event_id, event_source, counters::text, user_version, catalog_version, reason
FROM `+p.stored.base()+`.history WHERE topic = $1 AND partition = $2 ORDER BY "offset", ordinal`, func(row pgx.CollectableRow) (schemas.BadgeEvent, error) {
		e := schemas.BadgeEvent{Group: p.cfg.Group, Cause: schemas.Cause{Topic: id.Topic, Partition: id.Partition}}
		var counters string
		if err := row.Scan(&e.Cause.Offset, &e.Ordinal, &e.User, &e.Badge, &e.Category, &e.Criterion, &e.Tier, &e.Revoked,
			&e.Time, &e.EarnedAt, &e.Cause.ID, &e.Cause.Source, &counters, &e.UserVersion, &e.CatalogVersion, &e.Reason); err != nil {
			return e, err
		}
		return e, errors.Wrap(e.Counters.UnmarshalJSON([]byte(counters)), "column counters")
	}, id.Topic, id.Partition)
}

// changed compares what the recount says of one range with the history: of
// this pass's users each row, of all users the order. Of gone, which were of users
// who were erased since, only the numbers are left.
func (p *pass) changed(ctx context.Context, c *cursor[schemas.BadgeEvent], to position, want, gone []schemas.BadgeEvent, from position) error {
	left := make(map[string]*schemas.BadgeEvent, len(want))
	for i := range want {
		left[awardKey(&want[i])] = &want[i]
	}
	o := ordinals{pass: p, ranks: p.ranks(), next: from, gone: gone, gaps: p.gaps()}
	for {
		row, err := c.peek(ctx)
		if err != nil {
			return err
		}
		if row == nil || !to.after(row.Cause.Offset, row.Ordinal) {
			break
		}
		if p.first() {
			o.look(row)
		}
		if p.mine(row.User) {
			p.report.Looked(HistoryRefolded, 1)
			p.report.Changes++
			p.compareChange(row, left)
			p.announced(row)
		}
		c.pop()
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		p.report.Find(HistoryRefolded, "the history lacks what the log gives: %s", left[key].AppendStructured(nil))
	}
	o.skip(nil)
	if p.first() && to.Offset == from.Offset && to.Step > 0 && o.next.Ordinal != to.Ordinal && !o.gaps {
		p.report.Find(HistoryRefolded, "the step of the tick at offset %d ends at ordinal %d, and the history there at %d", from.Offset, to.Ordinal, o.next.Ordinal)
	}
	return nil
}

// compareChange compares a row with the recount's.
func (p *pass) compareChange(row *schemas.BadgeEvent, left map[string]*schemas.BadgeEvent) {
	key := awardKey(row)
	want := left[key]
	if want == nil {
		p.report.Find(HistoryRefolded, "the history has what the log does not give, or gives once: %s", row.AppendStructured(nil))
		return
	}
	delete(left, key)
	if p.report.Passes > 1 || p.gaps() {
		// The numbers before it may be of users of another pass: ordinals looks at
		// them.
		want.Ordinal = row.Ordinal
	}
	if got, want := string(row.AppendStructured(nil)), string(want.AppendStructured(nil)); got != want {
		p.report.Find(HistoryRefolded, "the history has\n           %s\n         and the log gives\n           %s", got, want)
	}
}

// announced compares a row with its badge event on the award topic.
func (p *pass) announced(row *schemas.BadgeEvent) {
	p.report.Looked(AwardsOnce, 1)
	d := awardDigest([]byte(row.ID()), row.AppendStructured(nil))
	rec := p.awards.back(awardKey(row), d)
	k := p.ks[recount.Partition{Topic: row.Cause.Topic, Partition: row.Cause.Partition}]
	switch {
	case rec == nil && k.after(row.Cause.Offset, row.Ordinal) && p.awards.whole:
		p.report.Find(AwardsOnce, "%s is below the watermark %s, and not on topic %s", shorten(awardKey(row)), k, p.awards.topic)
	case rec != nil && rec.digest != d:
		p.report.Find(AwardsOnce, "%s at %s is not what the history has: %s", shorten(awardKey(row)), rec.at, row.AppendStructured(nil))
	}
}

// ordinals looks at how the changes of one cause are numbered: by user, then
// as the catalogue shows badges, without a gap. A tick's go on from step to
// step, each in this order.
type ordinals struct {
	*pass
	ranks map[string]int
	next  position
	last  *schemas.BadgeEvent
	gone  []schemas.BadgeEvent // of users who were erased, in order
	gaps  bool                 // there may be gaps of which nobody knows
}

// gaps says that numbers may be missing which the log does not account for: what
// users kept by a switch decides what they were told of later, and of who was
// erased nobody knows it any more.
func (p *pass) gaps() bool { return p.turn > 0 && len(p.stored.erased) > 0 }

func (o *ordinals) look(row *schemas.BadgeEvent) {
	if row.Cause.Offset != o.next.Offset {
		o.next, o.last = position{Offset: row.Cause.Offset}, nil
	}
	o.skip(row)
	if row.Ordinal < o.next.Ordinal || row.Ordinal > o.next.Ordinal && !o.gaps {
		o.report.Find(HistoryRefolded, "%s has ordinal %d, and the next one is %d", shorten(awardKey(row)), row.Ordinal, o.next.Ordinal)
	}
	if l := o.last; l != nil && o.compare(l, row) >= 0 {
		o.report.Find(HistoryRefolded, "%s comes after %s", shorten(awardKey(row)), shorten(awardKey(l)))
	}
	o.next.Ordinal = row.Ordinal + 1
	kept := *row
	o.last = &kept
}

// skip counts the numbers of those who are gone, before a row; of nil, before what
// follows the last.
func (o *ordinals) skip(row *schemas.BadgeEvent) {
	for len(o.gone) > 0 {
		g := &o.gone[0]
		if row != nil && cmp.Or(cmp.Compare(g.Cause.Offset, row.Cause.Offset), o.compare(g, row)) >= 0 {
			return
		}
		if g.Cause.Offset == o.next.Offset {
			o.next.Ordinal++
		}
		o.gone = o.gone[1:]
	}
}

// compare says which of two changes by one cause comes first.
func (o *ordinals) compare(a, b *schemas.BadgeEvent) int {
	return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(o.rank(a.Badge), o.rank(b.Badge)), cmp.Compare(a.Badge, b.Badge))
}

// rank is a badge's place; one that the catalogue has not comes last.
func (o *ordinals) rank(slug string) int {
	if at, ok := o.ranks[slug]; ok {
		return at
	}
	return len(o.ranks)
}

// ranks are the places of badges in the order in which they are shown.
func (p *pass) ranks() map[string]int {
	badges := p.count.Catalog().Badges
	ranks := make(map[string]int, len(badges))
	for i := range badges {
		ranks[badges[i].Slug] = i
	}
	return ranks
}
