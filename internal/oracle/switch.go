package oracle

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// turnVersions is what each switch adds to the versions of users that others
// see, so that they rise though the rows' own need not.
const turnVersions = 1 << 40

// switching says whether a row is of a switch that was done.
func (p *pass) switching(s *source, row *schemas.LedgerRow) bool {
	asked := p.count.Asked(s.id)
	return asked.Cause.Topic != "" && asked.Cause.Offset == row.From && (row.FromStep > 0 || row.ToStep > 0)
}

// heldBadge is a badge of a user.
type heldBadge struct{ user, slug string }

// switched looks at a switch: what the rules that hold now give, and those
// before did not, is told once, with the time at which it was earned. What only
// those before gave is kept, or revoked. A row that somebody changed by hand is
// told of too, as long as it is true.
func (p *pass) switched(ctx context.Context, s *source) error {
	p.turn++
	ask := p.count.Asked(s.id)
	due := map[heldBadge]bool{} // true: an award
	lost := map[heldBadge]int64{}
	if p.held != nil && p.held != p.count {
		p.differ(due, lost)
	}
	for k := range due {
		if p.stored.erasure(k.user) != nil { // later: what was told and kept is gone
			delete(due, k)
			delete(lost, k)
		}
	}
	kept, err := p.kept(ctx, ask)
	if err != nil {
		return err
	}
	o := ordinals{pass: p, ranks: p.ranks(), next: position{Offset: ask.Cause.Offset}, gaps: p.gaps()}
	for {
		row, err := s.history.peek(ctx)
		if err != nil {
			return err
		}
		if row == nil || row.Cause.Offset > ask.Cause.Offset {
			break
		}
		if p.first() {
			o.look(row)
		}
		if p.mine(row.User) {
			p.report.Looked(HistoryRefolded, 1)
			p.report.Changes++
			p.told(ask, row, lost)
			delete(due, heldBadge{row.User, row.Badge})
			p.announced(row)
		}
		s.history.pop()
	}
	for k, earned := range lost {
		if _, has := kept[k]; !ask.Revoke && !has && p.count.Knows(k.slug) {
			p.report.Find(HistoryRefolded, "the switch at offset %d let %q not keep %s, held since %s", ask.Cause.Offset, k.user, k.slug, schemas.FormatTime(earned))
		}
	}
	for k, award := range due {
		if award || ask.Revoke {
			p.report.Find(HistoryRefolded, "the switch at offset %d does not tell of %s of %q", ask.Cause.Offset, k.slug, k.user)
		}
	}
	for k, earned := range kept {
		if ask.Revoke {
			p.report.Find(HistoryRefolded, "the switch at offset %d let %q keep %s, and was to revoke it", ask.Cause.Offset, k.user, k.slug)
		}
		p.count.Keep(k.user, k.slug, earned)
	}
	return nil
}

// differ compares what the rules before and those that hold now give.
func (p *pass) differ(due map[heldBadge]bool, lost map[heldBadge]int64) {
	before, now := p.held.Users(), p.count.Users()
	for name, u := range now {
		for slug := range u.Held {
			if was := before[name]; was == nil || !has(was, slug) {
				due[heldBadge{name, slug}] = true
			}
		}
	}
	for name, u := range before {
		for slug, earned := range u.Held {
			if is := now[name]; is == nil || !has(is, slug) {
				due[heldBadge{name, slug}], lost[heldBadge{name, slug}] = false, earned
			}
		}
	}
}

func has(u *recount.User, slug string) bool {
	_, held := u.Held[slug]
	return held
}

// told looks at one row of the history that a switch gave.
func (p *pass) told(ask recount.Ask, row *schemas.BadgeEvent, lost map[heldBadge]int64) {
	u := p.count.Users()[row.User]
	if u == nil {
		u = &recount.User{Name: row.User, Counters: make([]int64, len(p.count.Catalog().Counters)), Held: map[string]int64{}}
	}
	var want schemas.BadgeEvent
	switch earned, held := u.Held[row.Badge]; {
	case !row.Revoked && held:
		want = p.count.Tells(ask, u, row.Badge, false, earned)
	case row.Revoked && !held && ask.Revoke:
		old, known := lost[heldBadge{row.User, row.Badge}]
		before := p.held.Users()[row.User]
		if !known || before == nil {
			return // somebody had given it by hand
		}
		want = p.held.Tells(ask, before, row.Badge, true, old)
		want.CatalogVersion, want.UserVersion = row.CatalogVersion, u.Version
	default:
		p.report.Find(HistoryRefolded, "the switch at offset %d tells what is not so: %s", ask.Cause.Offset, row.AppendStructured(nil))
		return
	}
	want.Ordinal = row.Ordinal
	want.UserVersion += p.turn * turnVersions
	if got, want := string(row.AppendStructured(nil)), string(want.AppendStructured(nil)); got != want {
		p.report.Find(HistoryRefolded, "the history has\n           %s\n         and the log gives\n           %s", got, want)
	}
}

// kept are the badges that users kept by a switch, of this pass's users.
func (p *pass) kept(ctx context.Context, ask recount.Ask) (map[heldBadge]int64, error) {
	rows, err := p.tx.Query(ctx, `SELECT user_id, badge, (extract(epoch FROM earned_at) * 1000000)::bigint FROM `+p.stored.base()+`.kept
WHERE topic = $1 AND partition = $2 AND "offset" = $3`, ask.Cause.Topic, ask.Cause.Partition, ask.Cause.Offset)
	if err != nil {
		return nil, errors.Wrap(err, "read what was kept by a switch")
	}
	all := map[heldBadge]int64{}
	var k heldBadge
	var earned int64
	_, err = pgx.ForEachRow(rows, []any{&k.user, &k.slug, &earned}, func() error {
		if p.mine(k.user) {
			all[k] = earned
		}
		return nil
	})
	return all, errors.Wrap(err, "read what was kept by a switch")
}
