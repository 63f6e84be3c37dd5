package recount

import (
	"slices"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// Ask is a record by which an operator asked for another generation.
type Ask struct {
	schemas.Switch
	Cause schemas.Cause
	At    int64 // Unix microseconds
}

// Asked is the last such record of a partition.
func (r *Recount) Asked(p Partition) Ask { return r.asked[p] }

// Knows says whether the catalogue has a badge.
func (r *Recount) Knows(slug string) bool { return r.badge(slug) != nil }

func (r *Recount) badge(slug string) *catalog.Badge {
	at := slices.IndexFunc(r.cat.Badges, func(b catalog.Badge) bool { return b.Slug == slug })
	if at < 0 {
		return nil
	}
	return &r.cat.Badges[at]
}

// Keep lets a user have a badge that the log does not give him.
func (r *Recount) Keep(name, slug string, earned int64) {
	if u := r.user(name); r.Knows(slug) {
		if _, held := u.Held[slug]; !held {
			u.Held[slug] = earned
		}
	}
}

// Tells is the badge event by which a switch tells that a user has a badge, or
// has it no more, with this recount's evidence.
func (r *Recount) Tells(ask Ask, u *User, slug string, revoked bool, earned int64) schemas.BadgeEvent {
	b := r.badge(slug)
	return schemas.BadgeEvent{
		Revoked: revoked, Group: r.group, User: u.Name, Time: ask.At, Badge: b.Slug, Tier: b.Tier, Category: b.Category, Criterion: b.Criterion, EarnedAt: earned,
		Counters: r.evidence(b, u.Counters), Cause: ask.Cause, CatalogVersion: r.version, UserVersion: u.Version, Reason: schemas.ReasonRebuild,
	}
}
