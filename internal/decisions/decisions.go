// Package decisions writes what people decide about users' badges to the
// control topic, and says what became of it.
package decisions

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/control"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// Result is what became of a decision.
type Result struct {
	Decision  schemas.Verb `json:"decision"`
	User      string       `json:"user"`
	Badge     string       `json:"badge"`
	Topic     string       `json:"topic"`
	Partition int32        `json:"partition"`
	Offset    int64        `json:"offset"`
	// Folded says that an engine has folded it; what follows is known then alone.
	Folded bool `json:"folded"`
	// Held says whether the user holds the badge now, and Pinned whether it is
	// pinned.
	Held   bool `json:"held"`
	Pinned bool `json:"pinned"`
	// Event says whether the user got the badge by it, or lost it: then there is a
	// badge event.
	Event bool `json:"badge_event"`
}

// Refused says why a decision makes no sense: it is not written.
type Refused struct{ Sentence string }

func (e *Refused) Error() string { return e.Sentence }

// Decide writes a decision to the group's control topic, and waits for as long
// as it is told for an engine to fold it. An error of type *Refused says that it
// was not written.
func Decide(ctx context.Context, store *projections.Store, brokers []string, d *schemas.Decision, patience time.Duration) (*Result, error) {
	a, err := store.Account(ctx, d.User)
	if err != nil {
		return nil, err
	}
	if err := check(a, d); err != nil {
		return nil, err
	}
	if a.Erases(d.User) {
		return nil, &Refused{projections.ErrErased.Error()}
	}
	data, err := d.Append(nil)
	if err != nil {
		return nil, err
	}
	at, err := control.Write(ctx, store.Group(), brokers, &control.Record{Type: d.Verb.Type(), Subject: d.User, Of: "decisions", Data: data})
	if err != nil {
		return nil, err
	}
	r := &Result{Decision: d.Verb, User: d.User, Badge: d.Badge, Topic: at.Topic, Partition: at.Partition, Offset: at.Offset}
	if r.Folded, err = control.Folded(ctx, store, &at, patience); err != nil {
		return nil, err
	}
	if r.Folded {
		err = outcome(ctx, store, at, r)
	}
	return r, err
}

// check refuses what would have no effect, or what nobody can mean.
func check(a *projections.Account, d *schemas.Decision) error {
	if err := d.Check(); err != nil {
		return &Refused{err.Error()}
	}
	if len(d.User) > schemas.MaxIDBytes {
		return &Refused{"the user's id has " + strconv.Itoa(len(d.User)) + " bytes, and " + strconv.Itoa(schemas.MaxIDBytes) + " are allowed"}
	}
	if _, system := a.Catalog.System[d.User]; system {
		return &Refused{strconv.Quote(d.User) + " is a system account, which holds no badges"}
	}
	badge := a.Catalog.BadgeIndex(d.Badge)
	if badge == catalog.None {
		return &Refused{"there is no badge " + strconv.Quote(d.Badge) + " in catalogue " + a.Catalog.Name + ": " + settings.DidYouMean(d.Badge, slugs(a.Catalog))}
	}
	if d.Verb != schemas.Pin {
		return nil
	}
	id := a.Catalog.Badges[badge].ID
	if !holds(a, id) {
		return &Refused{d.User + " does not hold " + d.Badge + ", and only a badge that is held can be pinned"}
	}
	hand := a.Row.ByHand
	if hand == nil || slices.Contains(hand.Pins, id) || len(hand.Pins) < schemas.MaxPins || slices.ContainsFunc(hand.Pins, func(pin int16) bool { return !holds(a, pin) }) {
		return nil
	}
	names := ""
	for _, pin := range hand.Pins {
		names += " " + a.Catalog.Badges[a.Catalog.ByID[pin]].Slug
	}
	return &Refused{d.User + " has " + strconv.Itoa(schemas.MaxPins) + " pins already, which is the most:" + names + ". Unpin one of them first"}
}

func slugs(cat *catalog.Catalog) []string {
	list := make([]string, len(cat.Badges))
	for i := range cat.Badges {
		list[i] = cat.Badges[i].Slug
	}
	return list
}

func holds(a *projections.Account, badge int16) bool {
	return slices.ContainsFunc(a.Row.Held, func(h processor.Held) bool { return h.Badge == badge })
}

// outcome says what a decision did that was folded.
func outcome(ctx context.Context, store *projections.Store, at projections.Place, r *Result) error {
	found, err := store.DecisionAt(ctx, at.TopicPartition, at.Offset)
	if err != nil {
		return err
	}
	if found == nil {
		return errors.Newf("the decision at %s/%d offset %d was rejected when it was folded: `badgestream dlq show %s/%d@%d` says why", at.Topic, at.Partition, at.Offset, at.Topic, at.Partition, at.Offset)
	}
	err = store.HistoryRange(ctx, at.TopicPartition, projections.Mark{Offset: at.Offset}, projections.Mark{Offset: at.Offset + 1}, func(*projections.HistoryRow) error {
		r.Event = true
		return nil
	})
	if err != nil {
		return err
	}
	a, err := store.Account(ctx, r.User)
	if err != nil {
		return err
	}
	if badge := a.Catalog.BadgeIndex(r.Badge); badge != catalog.None {
		id := a.Catalog.Badges[badge].ID
		r.Held = holds(a, id)
		r.Pinned = a.Row.ByHand != nil && slices.Contains(a.Row.ByHand.Pins, id)
	}
	return nil
}
