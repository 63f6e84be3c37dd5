package recount

import (
	"slices"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// Settled says that a person, and not the rules, decided about a badge: whether
// the user holds it.
type Settled map[string]bool

// Decision is what a person decided last in a partition.
type Decision struct {
	schemas.Decision
	Cause schemas.Cause
	At    int64 // Unix microseconds
}

// decides says whether an event is a person's decision.
func (r *Recount) decides(rec *Record, ev *schemas.Event) bool {
	_, decides := schemas.VerbOf(ev.Type)
	return decides && rec.Topic == r.group+".control"
}

// decidable says why a decision does not count: it must be about a badge of the
// catalogue, and somebody who can earn badges.
func (r *Recount) decidable(ev *schemas.Event) *schemas.Reject {
	d, err := schemas.ParseDecision(ev)
	if _, system := r.cat.System[d.User]; err == nil && system {
		err = d.OfSystemAccount()
	}
	if err == nil && !r.Knows(d.Badge) {
		err = d.UnknownBadge()
	}
	if err != nil {
		return asReject(err)
	}
	return nil
}

// decide does what a person decided. Whatever it does, it is one event more in
// the user's story.
func (r *Recount) decide(ev *schemas.Event, cause schemas.Cause) []schemas.BadgeEvent {
	said, _ := schemas.ParseDecision(ev) // read has done so
	d := Decision{Decision: said, Cause: cause, At: ev.Time}
	r.decided[Partition{cause.Topic, cause.Partition}] = d
	if r.whose != nil && !r.whose(d.User) {
		return nil
	}
	u, b := r.user(d.User), r.badge(d.Badge)
	u.Version++
	_, held := u.Held[b.Slug]
	becomes := held
	switch d.Verb {
	case schemas.Grant, schemas.Revoke:
		becomes = d.Verb == schemas.Grant
		u.Settled[b.Slug] = becomes
	case schemas.Release:
		delete(u.Settled, b.Slug)
		becomes = r.holds(b, u.Counters, r.clock) || held && b.Sticky
	case schemas.Unpin:
		u.Pins = slices.DeleteFunc(u.Pins, func(slug string) bool { return slug == b.Slug })
	case schemas.Pin:
		u.pin(b.Slug)
	}
	if becomes == held {
		return nil
	}
	return []schemas.BadgeEvent{r.turn(u, b, becomes, d.Cause, d.At, schemas.ReasonManual)}
}

// pin lets the user show a badge first. Only so many can be shown: for another
// one, the first that shows nothing, as the badge is not held, is given up.
func (u *User) pin(slug string) {
	if slices.Contains(u.Pins, slug) {
		return
	}
	for i := 0; len(u.Pins) >= schemas.MaxPins; i++ {
		if i == len(u.Pins) {
			return
		}
		if _, held := u.Held[u.Pins[i]]; !held {
			u.Pins = slices.Delete(u.Pins, i, i+1)
		}
	}
	u.Pins = append(u.Pins, slug)
}

// pins are those that show something.
func (u *User) pins() []string {
	shown := []string{}
	for _, slug := range u.Pins {
		if _, held := u.Held[slug]; held {
			shown = append(shown, slug)
		}
	}
	return shown
}

// away says that the badge cannot be earned, as somebody took it.
func (u *User) away(b *catalog.Badge) bool {
	held, settled := u.Settled[b.Slug]
	return settled && !held
}
