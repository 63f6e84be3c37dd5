package explain

import (
	"slices"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// Decision is what a person decided about a badge.
type Decision struct {
	Verb   schemas.Verb  `json:"decision"`
	Badge  string        `json:"badge"`
	By     string        `json:"by"`
	Reason string        `json:"reason,omitempty"`
	Time   string        `json:"time"`
	Event  schemas.Cause `json:"event"` // the record that says so
}

// decisions lists what people decided about all badges, or about the one that
// is named.
func (e *Explanation) decisions(badge string) {
	for i := range e.account.Decisions {
		if d := &e.account.Decisions[i]; badge == "" || d.Badge == badge {
			e.Decisions = append(e.Decisions, Decision{Verb: d.Verb, Badge: d.Badge, By: d.By, Reason: d.Reason, Time: schemas.FormatTime(d.At), Event: d.Cause})
		}
	}
}

// byHand fills in what holds about a badge because a person decided it.
func (e *Explanation) byHand(b *Badge, def *catalog.Badge) {
	hand := e.account.Row.ByHand
	if hand == nil {
		return
	}
	b.Pinned = slices.Contains(hand.Pins, def.ID)
	if !hand.Decides(def.ID) {
		return
	}
	for i := range e.account.Decisions {
		if d := &e.account.Decisions[i]; d.Badge == b.Slug && (d.Verb == schemas.Grant || d.Verb == schemas.Revoke) {
			b.ByHand = &Decision{Verb: d.Verb, Badge: d.Badge, By: d.By, Reason: d.Reason, Time: schemas.FormatTime(d.At), Event: d.Cause}
		}
	}
}
