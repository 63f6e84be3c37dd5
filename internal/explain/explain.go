// Package explain answers why a user holds a badge, lost it, or does not have
// it yet, from what Postgres has; and, by folding the user's events of the log
// again, what counted and what was passed over.
package explain

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// Explanation is what there is to say of a user.
type Explanation struct {
	Group          string `json:"group"`
	User           string `json:"user"`
	Version        int64  `json:"version"`
	Catalog        string `json:"catalog"`
	CatalogVersion int32  `json:"catalog_version"`
	// System says that the user is a system account, which earns nothing.
	System bool `json:"system_account,omitempty"`
	// Clock is the time of the latest tick, up to which ages count.
	Clock    string           `json:"clock,omitempty"`
	Counters map[string]int64 `json:"counters"` // ages in days
	Badges   []Badge          `json:"badges"`
	// Decisions are what people decided about the badges shown, in their order.
	Decisions []Decision `json:"decisions"`
	Trace     *Trace     `json:"trace,omitempty"`

	account *projections.Account
}

// State is how a user and a badge stand to each other.
type State string

// The states.
const (
	Held   State = "held"
	Lost   State = "lost"
	NotYet State = "not-yet"
)

// Badge is what there is to say of one badge.
type Badge struct {
	Slug        string `json:"badge"`
	Name        string `json:"name"`
	Description string `json:"description"`
	State       State  `json:"state"`
	Sticky      bool   `json:"sticky,omitempty"`
	// Gone says that the catalogue has the badge no more.
	Gone        bool   `json:"not_in_catalog,omitempty"`
	EarnedAt    string `json:"earned_at,omitempty"` // while it is held
	Awards      int64  `json:"awards"`
	Revocations int64  `json:"revocations"`
	// Awarded is the last award, and Revoked the last revocation, of a badge that
	// is held the one before that award.
	Awarded *Change `json:"awarded,omitempty"`
	Revoked *Change `json:"revoked,omitempty"`
	// ByHand is the grant or the revocation by which a person decided that the
	// badge is held, or that it is not; nil where the rules decide.
	ByHand *Decision `json:"by_hand,omitempty"`
	// Pinned says that the user shows the badge first.
	Pinned bool `json:"pinned,omitempty"`
	// Conditions are as they are now.
	Conditions []Condition `json:"conditions"`
	// Never says why the badge cannot be earned as things are.
	Never string `json:"never,omitempty"`
}

// Change is an award or a revocation, as the history has it.
type Change struct {
	Event          schemas.Cause       `json:"event"`
	Time           string              `json:"time"` // of the event
	Counters       schemas.Numbers     `json:"counters"`
	Conditions     []Condition         `json:"conditions"` // as they were then
	UserVersion    int64               `json:"user_version"`
	CatalogVersion int32               `json:"catalog_version"`
	Reason         schemas.BadgeReason `json:"reason"`
}

// Condition is one part of a criterion with what there is of it.
type Condition struct {
	Label string `json:"label"`
	Met   bool   `json:"met"`
	// Value and AtLeast are numbers; of a ratio, percentages. Part and Whole are
	// the numbers of a ratio.
	Value   json.Number `json:"value"`
	AtLeast json.Number `json:"at_least"`
	Part    *int64      `json:"part,omitempty"`
	Whole   *int64      `json:"whole,omitempty"`
	// Missing is by how much the value falls short; of a ratio, by how much its
	// part does while the whole stays as it is.
	Missing json.Number `json:"missing,omitempty"`
	// Since is when an age began to count.
	Since string `json:"since,omitempty"`
	// Feeds are the events that move what the condition looks at; Wholes those
	// that move what a ratio's part is compared with.
	Feeds  []catalog.Feed `json:"counts,omitempty"`
	Wholes []catalog.Feed `json:"counts_to_whole,omitempty"`
}

// NotFoundError says that there is no such user or badge.
type NotFoundError struct{ Sentence string }

func (e *NotFoundError) Error() string { return e.Sentence }

// Explain explains all badges of the catalogue to the user, or the one that is
// named. The error is a *NotFoundError if there is no such user or badge.
func Explain(ctx context.Context, store *projections.Store, user, badge string) (*Explanation, error) {
	a, err := store.Account(ctx, user)
	if err != nil {
		return nil, err
	}
	cat := a.Catalog
	e := &Explanation{Group: store.Group(), User: user, Version: a.Row.Version, Catalog: cat.Name, CatalogVersion: a.CatalogVersion,
		Counters: map[string]int64{}, Badges: []Badge{}, Decisions: []Decision{}, account: a}
	if a.Erases(user) {
		return nil, &NotFoundError{projections.ErrErased.Error()}
	}
	_, e.System = cat.System[user]
	if !a.Found && !e.System && len(a.Latest) == 0 {
		return nil, unknownUser(ctx, store, a, user)
	}
	if a.Clock != 0 {
		e.Clock = schemas.FormatTime(a.Clock)
	}
	for i := range cat.Counters {
		e.Counters[cat.Counters[i].Name] = valueOf(cat, i, a.Row.Counters, a.Clock)
	}
	for i := range cat.Badges {
		if badge == "" || cat.Badges[i].Slug == badge {
			e.Badges = append(e.Badges, e.badge(&cat.Badges[i]))
		}
	}
	e.decisions(badge)
	e.gone(badge)
	if len(e.Badges) == 0 && badge != "" {
		return nil, unknownBadge(cat, badge)
	}
	return e, nil
}

// valueOf is a counter's number, an age's in days.
func valueOf(cat *catalog.Catalog, counter int, counters []int64, clock int64) int64 {
	if cat.Counters[counter].Kind == catalog.Since {
		return processor.Days(counters[counter], clock)
	}
	return counters[counter]
}

// badge explains one badge of the catalogue.
func (e *Explanation) badge(def *catalog.Badge) Badge {
	a := e.account
	b := Badge{Slug: def.Slug, Name: def.Name, Description: def.Description, State: NotYet, Sticky: def.Sticky}
	e.past(&b)
	e.byHand(&b, def)
	at, held := slices.BinarySearchFunc(a.Row.Held, def.ID, func(h processor.Held, id int16) int { return int(h.Badge) - int(id) })
	switch {
	case held:
		b.State, b.EarnedAt = Held, schemas.FormatTime(a.Row.Held[at].At)
	case b.Revocations > 0:
		b.State = Lost
	}
	for _, c := range def.All {
		b.Conditions = append(b.Conditions, e.now(c, !held))
	}
	if !held {
		b.Never = e.never(def)
	}
	return b
}

// past fills in what the history has of a badge.
func (e *Explanation) past(b *Badge) {
	a := e.account
	b.Awards, b.Revocations, b.Conditions = a.Given[b.Slug], a.Taken[b.Slug], []Condition{}
	for i := range a.Latest {
		if h := &a.Latest[i]; h.Badge == b.Slug {
			c := &Change{
				Event: schemas.Cause{Topic: h.Topic, Partition: h.Partition, Offset: h.Offset, ID: h.EventID, Source: h.EventSource},
				Time:  schemas.FormatTime(h.At), Counters: h.Counters, Conditions: then(a.Catalog, b.Slug, h.Counters),
				UserVersion: h.Version, CatalogVersion: h.CatalogVersion, Reason: h.Reason,
			}
			if h.Revoked {
				b.Revoked = c
			} else {
				b.Awarded = c
			}
		}
	}
}

// gone adds badges that the user has a history of and the catalogue has not.
func (e *Explanation) gone(badge string) {
	for i := range e.account.Latest {
		slug := e.account.Latest[i].Badge
		if e.account.Catalog.BadgeIndex(slug) != catalog.None || badge != "" && slug != badge ||
			slices.ContainsFunc(e.Badges, func(b Badge) bool { return b.Slug == slug }) {
			continue
		}
		b := Badge{Slug: slug, Name: slug, Gone: true, State: Lost}
		e.past(&b)
		e.Badges = append(e.Badges, b)
	}
}

func unknownBadge(cat *catalog.Catalog, badge string) error {
	slugs := make([]string, len(cat.Badges))
	for i := range cat.Badges {
		slugs[i] = cat.Badges[i].Slug
	}
	return &NotFoundError{"there is no badge " + strconv.Quote(badge) + " in catalogue " + cat.Name + ": " + settings.DidYouMean(badge, slugs)}
}

// neighbours is how many users on either side of a name are looked at.
const neighbours = 50

// unknownUser names the user that may have been meant.
func unknownUser(ctx context.Context, store *projections.Store, a *projections.Account, user string) error {
	var near []string
	for _, prefix := range []string{user, user[:(len(user)+1)/2], user[:min(1, len(user))]} {
		list, err := store.UsersNear(ctx, a.Installed, prefix, neighbours)
		if err != nil {
			return err
		}
		near = append(near, list...)
	}
	sentence := "there is no user " + strconv.Quote(user) + " in group " + store.Group() + ": nothing has counted for anybody of this name"
	if best := settings.Closest(user, near); best != "" {
		sentence += "; did you mean " + strconv.Quote(best) + "?"
	}
	return errors.WithStack(&NotFoundError{sentence})
}
