package recount

import (
	"math/big"
	"slices"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// Day is the unit of ages, in microseconds.
const Day = 24 * 60 * 60 * 1_000_000

// settle looks at a user after all that an event did to him. If it did
// anything, it is one version more, and every criterion that it made true or
// false is a badge that begins or ceases to be held.
func (r *Recount) settle(changes []schemas.BadgeEvent, u *User, before []int64, cause schemas.Cause, at int64) []schemas.BadgeEvent {
	if slices.Equal(before, u.Counters) {
		return changes
	}
	u.Version++
	for i := range r.cat.Badges {
		b := &r.cat.Badges[i]
		if is := r.holds(b, u.Counters, r.clock); is != r.holds(b, before, r.clock) {
			changes = r.move(changes, u, b, is, cause, at)
		}
	}
	return changes
}

// move awards or revokes a badge, unless it is held already, or not held, or
// never revoked, or somebody decided about it.
func (r *Recount) move(changes []schemas.BadgeEvent, u *User, b *catalog.Badge, award bool, cause schemas.Cause, at int64) []schemas.BadgeEvent {
	_, has := u.Held[b.Slug]
	_, settled := u.Settled[b.Slug]
	if award == has || !award && b.Sticky || settled {
		return changes
	}
	return append(changes, r.turn(u, b, award, cause, at, schemas.ReasonActivity))
}

// turn gives a badge to who does not have it, or takes it from who does.
func (r *Recount) turn(u *User, b *catalog.Badge, award bool, cause schemas.Cause, at int64, reason schemas.BadgeReason) schemas.BadgeEvent {
	earned := u.Held[b.Slug]
	if award {
		earned = at
		u.Held[b.Slug] = at
	} else {
		delete(u.Held, b.Slug)
	}
	return schemas.BadgeEvent{
		Revoked: !award, Group: r.group, User: u.Name, Time: at,
		Badge: b.Slug, Tier: b.Tier, Category: b.Category, Criterion: b.Criterion, EarnedAt: earned,
		Counters: r.evidence(b, u.Counters), Cause: cause, CatalogVersion: r.version, UserVersion: u.Version, Reason: reason,
	}
}

// holds says whether all conditions of a badge are true of the counters, at a
// time by the clock.
func (r *Recount) holds(b *catalog.Badge, counters []int64, clock int64) bool {
	for _, c := range b.All {
		n := counters[c.Counter]
		if r.cat.Counters[c.Counter].Kind == catalog.Since {
			n = days(n, clock)
		}
		if c.Kind == catalog.AtLeast && n < c.Threshold {
			return false
		}
		if c.Kind == catalog.Ratio && !ratioReaches(n, counters[c.Whole], c.Threshold) {
			return false
		}
	}
	return true
}

// days are the whole days since an instant.
func days(since, clock int64) int64 {
	if since == 0 || clock == 0 || clock < since {
		return 0
	}
	return (clock - since) / Day
}

// ratioReaches compares part/whole exactly with a threshold in hundredths of a
// percent.
func ratioReaches(part, whole, threshold int64) bool {
	if whole <= 0 {
		return false
	}
	left := new(big.Int).Mul(big.NewInt(part), big.NewInt(10_000))
	right := new(big.Int).Mul(big.NewInt(threshold), big.NewInt(whole))
	return left.Cmp(right) >= 0
}

// meanReaches rounds sum/count half up to the term's decimals, and compares.
func meanReaches(sum, count int64, t *catalog.Term) bool {
	scaled := new(big.Int).Mul(big.NewInt(sum), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Decimals)), nil))
	// floor(x + 1/2) = floor((2·scaled + count) / 2·count); Div rounds down, as
	// the divisor is positive.
	twice := scaled.Add(scaled.Lsh(scaled, 1), big.NewInt(count))
	rounded := twice.Div(twice, new(big.Int).Lsh(big.NewInt(count), 1))
	return rounded.Cmp(big.NewInt(t.AtLeast)) >= 0
}

// evidence is the counters that a criterion names, in its order, each once.
func (r *Recount) evidence(b *catalog.Badge, counters []int64) schemas.Numbers {
	var list schemas.Numbers
	add := func(i int) {
		c := &r.cat.Counters[i]
		if slices.ContainsFunc(list, func(n schemas.Number) bool { return n.Name == c.Name }) {
			return
		}
		n := counters[i]
		if c.Kind == catalog.Since {
			n = days(n, r.clock)
		}
		list = append(list, schemas.Number{Name: c.Name, Value: n})
	}
	for _, c := range b.All {
		add(c.Counter)
		if c.Kind == catalog.Ratio {
			add(c.Whole)
		}
	}
	return list
}
