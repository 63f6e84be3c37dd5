package processor

import (
	"slices"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// ByHand is what people decided about one user's badges; nil where nobody did.
// It is never changed: a decision makes another one.
type ByHand struct {
	// Granted badges are held and Withheld ones are not, whatever the rules say.
	// They are ids, ascending.
	Granted, Withheld []int16
	// Pins are the badges that the user shows first, in the order in which they
	// were pinned: ids. One that is not held is not shown.
	Pins []int16
}

// Decides reports whether not the rules decide about a badge.
func (h *ByHand) Decides(badge int16) bool {
	return h != nil && (slices.Contains(h.Granted, badge) || slices.Contains(h.Withheld, badge))
}

// Withholds reports whether a badge is never held, whatever the rules say.
func (h *ByHand) Withholds(badge int16) bool { return h != nil && slices.Contains(h.Withheld, badge) }

// HandUpdate is what people decided about a user after the batch, for those
// about whom its events decide.
type HandUpdate struct {
	User string
	*ByHand
}

// Decided is a decision with the record that it stands in.
type Decided struct {
	schemas.Decision
	Source Source
}

// decision is one of the batch.
type decision struct {
	schemas.Decision
	event int32
	badge int
}

// byHand is the counter of an act that is a decision: its delta is the
// decision's number, counted from 1, as an act with a delta of 0 is none.
const byHand = -1

// Decide takes a person's decision into the batch. The source's time must be
// set. Errors are as Add's; so are verdicts.
func (b *Batch) Decide(ev *schemas.Event, src Source, w *Window) (Verdict, error) {
	return b.addDecision(ev, src, w, false)
}

// DecideAgain is Decide for a record that stands for one before it which counts
// already, see Repeat.
func (b *Batch) DecideAgain(ev *schemas.Event, src Source, w *Window) (Verdict, error) {
	return b.addDecision(ev, src, w, true)
}

func (b *Batch) addDecision(ev *schemas.Event, src Source, w *Window, counts bool) (Verdict, error) {
	d, badge, err := b.Decision(ev)
	if b.erased != nil && d.User != "" && b.erased(d.User) {
		w.See(ev.Source, ev.ID, src.Offset)
		return Folded, nil // it means nothing, nor does anything store whom it names
	}
	if err != nil {
		return Unknown, err
	}
	if w.See(ev.Source, ev.ID, src.Offset) || counts {
		return Duplicate, nil
	}
	event := b.event(src, 0)
	b.decisions = append(b.decisions, decision{d, event, badge})
	b.counted = append(b.counted, userAct{b.users.number(d.User, &b.texts), event, byHand, int64(len(b.decisions))})
	return Folded, nil
}

// Decision reads an event that Decide would take: the decision, and the badge's
// index in the catalogue. The error is a *schemas.Reject.
func (b *Batch) Decision(ev *schemas.Event) (d schemas.Decision, badge int, err error) {
	if d, err = schemas.ParseDecision(ev); err != nil {
		return d, catalog.None, err
	}
	if _, system := b.cat.System[d.User]; system {
		return d, catalog.None, d.OfSystemAccount()
	}
	if badge = b.cat.BadgeIndex(d.Badge); badge == catalog.None {
		return d, badge, d.UnknownBadge()
	}
	return d, badge, nil
}

// Decisions are those of the batch, in the order of its events.
func (b *Batch) Decisions() []Decided {
	list := make([]Decided, len(b.decisions))
	for i := range b.decisions {
		list[i] = Decided{b.decisions[i].Decision, b.events[b.decisions[i].event]}
	}
	return list
}

// HandUpdates are the users about whom the batch's events decide, sorted by
// user.
func (b *Batch) HandUpdates() []HandUpdate { return b.hands }

// decide does what a person decided. Each decision counts as an event of the
// user's, also where it changes nothing: it is remembered.
func (b *Batch) decide(m *moves, d *decision, counters []int64) {
	id := b.cat.Badges[d.badge].ID
	was := m.hand
	if was == nil {
		was = &ByHand{}
	}
	now := &ByHand{Granted: without(was.Granted, id), Withheld: without(was.Withheld, id), Pins: was.Pins}
	switch d.Verb {
	case schemas.Grant:
		now.Granted = with(now.Granted, id)
		b.change(m, d.badge, true, counters, true)
	case schemas.Revoke:
		now.Withheld = with(now.Withheld, id)
		b.change(m, d.badge, false, counters, true)
	case schemas.Release:
		if is := b.holds(d.badge, counters, b.clock); is || !b.cat.Badges[d.badge].Sticky {
			b.change(m, d.badge, is, counters, true)
		}
	case schemas.Pin:
		*now = ByHand{was.Granted, was.Withheld, pinned(was.Pins, id, m.held)}
	case schemas.Unpin:
		*now = ByHand{was.Granted, was.Withheld, without(was.Pins, id)}
	}
	m.hand, m.decided = now, true
}

// pinned adds a pin after the others. Where there are as many as there may be,
// the first one whose badge is not held gives way; if there is none, nothing
// changes.
func pinned(pins []int16, badge int16, has []Held) []int16 {
	if slices.Contains(pins, badge) {
		return pins
	}
	if len(pins) >= schemas.MaxPins {
		lost := slices.IndexFunc(pins, func(id int16) bool {
			return !slices.ContainsFunc(has, func(h Held) bool { return h.Badge == id })
		})
		if lost < 0 {
			return pins
		}
		pins = without(pins, pins[lost])
	}
	return append(slices.Clip(pins), badge)
}

// with and without are a list with and without a badge, sorted as it was; the
// list stays as it is.
func with(list []int16, badge int16) []int16 {
	at, has := slices.BinarySearch(list, badge)
	if has {
		return list
	}
	return slices.Insert(slices.Clone(list), at, badge)
}

func without(list []int16, badge int16) []int16 {
	at := slices.Index(list, badge)
	if at < 0 {
		return list
	}
	return slices.Delete(slices.Clone(list), at, at+1)
}
