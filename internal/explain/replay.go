package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/userlog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// replay folds a user's events of the log again, one by one, by the fold's own
// code and in memory. What the events do to others is folded too, and means
// nothing.
type replay struct {
	user    string
	account *projections.Account
	cat     *catalog.Catalog
	memory  *processor.Memory
	batch   *processor.Batch
	none    *processor.Window // in which nothing is a duplicate
	touches []processor.Touch
	latest  int64 // the latest time so far
	first   map[string]int64
}

// event folds one record and says what became of it.
func (r *replay) event(f *userlog.Record) (Event, error) {
	ev := Event{Ledger: f.Number, Topic: f.Place.Topic, Partition: f.Place.Partition, Offset: f.Place.Offset}
	if f.Reject != nil {
		ev.Verdict, ev.Why, ev.Version = Rejected, f.Reject.Error(), r.memory.User(r.user).Version
		return ev, nil //nolint:nilerr // that it was rejected is an answer, and no failure
	}
	src := f.Source()
	ev.ID, ev.Source, ev.Type, ev.Time = f.Event.ID, f.Event.Source, f.Event.Type, schemas.FormatTime(src.Time)
	ev.Late = src.Time < r.latest
	before := r.memory.User(r.user)
	r.touches = r.touches[:0]
	r.batch.Reset()
	switch f.Verdict {
	case processor.Unknown:
		ev.Verdict, ev.Why = UnknownType, "the catalogue has no event of this type"
	case processor.Duplicate:
		ev.Verdict, ev.Why = Duplicate, "an event with its source and id stands at one of the offsets before it"
		if f.Original != nil {
			ev.Why = fmt.Sprintf("it stands for the record at offset %d, which counts", *f.Original)
		} else if at, ok := r.first[ev.Source+"\x00"+ev.ID]; ok {
			ev.Why = fmt.Sprintf("an event with its source and id stands at offset %d", at)
		}
	case processor.Tick:
		if err := r.memory.Tick(r.batch, src); err != nil {
			return ev, err
		}
	case processor.Folded:
		r.places()
		add := r.batch.Add
		if _, decides := schemas.VerbOf(ev.Type); decides {
			add = r.batch.Decide // else it would be of an unknown type
		}
		if _, err := add(&f.Event, src, r.none); err != nil {
			return ev, err
		}
		if err := r.memory.Fold(r.batch); err != nil {
			return ev, err
		}
		r.latest = max(r.latest, src.Time)
		r.first[ev.Source+"\x00"+ev.ID] = src.Offset
	}
	after := r.memory.User(r.user)
	ev.Version = after.Version
	r.effects(&ev, before.Counters, after.Counters)
	if ev.Verdict == "" {
		return ev, r.judge(&ev, f, after.Version > before.Version)
	}
	return ev, nil
}

// places makes the next draw of a place turn out as it did: only everybody's
// events together tell which place was the next, but the row tells whether the
// user got one.
func (r *replay) places() {
	for i := range r.cat.Collections {
		if c := &r.cat.Collections[i]; c.Kind == catalog.First {
			taken := c.Places
			if r.account.Row.Counters[c.Counter] > 0 {
				taken = -c.Places
			}
			r.memory.SetTaken(int16(i), taken)
		}
	}
}

// effects notes which counters and badges of the user changed.
func (r *replay) effects(ev *Event, before, after []int64) {
	clock := r.memory.Clock()
	for i := range r.cat.Counters {
		if before[i] != after[i] {
			ev.Counters = append(ev.Counters, Moved{r.cat.Counters[i].Name, valueOf(r.cat, i, before, clock), valueOf(r.cat, i, after, clock)})
		}
	}
	for _, c := range r.batch.Changes() {
		if c.User == r.user {
			ev.Badges = append(ev.Badges, Given{r.cat.Badges[c.Badge].Slug, c.Revoked})
		}
	}
}

// judge says what became of an event that was folded, and why it had no effect
// if it had none.
func (r *replay) judge(ev *Event, f *userlog.Record, counted bool) error {
	if counted {
		ev.Verdict = Counted
		return nil
	}
	namings, err := r.batch.Namings(&f.Event)
	if err != nil {
		return err
	}
	exempt := map[processor.Exemption]bool{}
	for _, n := range namings {
		if n.User == r.user {
			exempt[n.Exempt] = true
		}
	}
	switch {
	case exempt[processor.Credited] || ev.Type == schemas.TickType:
		ev.Verdict, ev.Why = NoEffect, r.idle()
	case exempt[processor.Unless]:
		ev.Verdict, ev.Why = SelfAction, "the rules except it, as an act upon oneself"
	case exempt[processor.SystemAccount]:
		ev.Verdict, ev.Why = SystemAccount, r.user+" is a system account"
	default:
		ev.Verdict, ev.Why = ForOthers, "it credits others than its subject"
	}
	return nil
}

// idle says why the rows of the user did not move.
func (r *replay) idle() string {
	reasons := map[string]bool{}
	for _, t := range r.touches {
		if t.User != r.user {
			continue
		}
		name := r.cat.Collections[t.Collection].Name
		switch {
		case t.Late:
			reasons[name+" has a value of a later time"] = true
		case t.Before == processor.Dead:
			reasons[name+" was deleted for good"] = true
		case t.Before != t.After:
			reasons["what it did to "+name+" moves no counter"] = true
		case t.After == processor.Absent:
			reasons[name+" has nothing there to change"] = true
		default:
			reasons[name+" has it already"] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(reasons)), "; ")
}

// differs compares the row with what the events give.
func (r *replay) differs() []string {
	var list []string
	got, row := r.memory.User(r.user), &r.account.Row
	note := func(what string, has, want any) {
		list = append(list, fmt.Sprintf("%s is %v in the row, and %v by the log", what, has, want))
	}
	if got.Version != row.Version {
		note("version", row.Version, got.Version)
	}
	for i := range r.cat.Counters {
		if got.Counters[i] != row.Counters[i] {
			note(r.cat.Counters[i].Name, row.Counters[i], got.Counters[i])
		}
	}
	if !slices.Equal(got.Held, row.Held) {
		note("held", r.slugs(row.Held), r.slugs(got.Held))
	}
	if has, want := r.byHand(row.ByHand), r.byHand(got.ByHand); has != want {
		note("what people decided", has, want)
	}
	return list
}

// byHand shows what people decided.
func (r *replay) byHand(h *processor.ByHand) string {
	if h == nil {
		h = &processor.ByHand{}
	}
	names := func(ids []int16) (slugs []string) {
		for _, id := range ids {
			slugs = append(slugs, r.cat.Badges[r.cat.ByID[id]].Slug)
		}
		return slugs
	}
	return fmt.Sprintf("granted %v, revoked %v, pinned %v", names(h.Granted), names(h.Withheld), names(h.Pins))
}

func (r *replay) slugs(held []processor.Held) []string {
	list := make([]string, len(held))
	for i, h := range held {
		list[i] = r.cat.Badges[r.cat.ByID[h.Badge]].Slug + " since " + schemas.FormatTime(h.At)
	}
	return list
}
