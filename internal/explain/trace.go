package explain

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/internal/userlog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// Trace is what the log has of a user, folded again in the ledger's order.
type Trace struct {
	Events []Event `json:"events"`
	// Records is how many records of the log were looked at, in Seconds.
	Records int64   `json:"records"`
	Seconds float64 `json:"seconds"`
	// Begins names the partitions whose log has lost its beginning: what stood
	// there is not among the events.
	Begins []string `json:"begins,omitempty"`
	// Differs is how the user's row differs from what the events give. It is
	// empty if it does not, or if the log has lost its beginning.
	Differs []string `json:"differs,omitempty"`
}

// Verdict is what became of an event, for the user.
type Verdict string

// The verdicts.
const (
	Counted       Verdict = "counted"
	NoEffect      Verdict = "no-effect"
	ForOthers     Verdict = "for-others" // the user acted, and others are credited
	Duplicate     Verdict = "duplicate"
	Rejected      Verdict = "rejected"
	UnknownType   Verdict = "unknown-type"
	SystemAccount Verdict = "system-account"
	SelfAction    Verdict = "self-action" // the rule's own exception holds
)

// Event is one record that has to do with the user.
type Event struct {
	// Ledger is the number of the transaction that folded it, 0 if the ledger has
	// it no more.
	Ledger    int64   `json:"ledger"`
	Topic     string  `json:"topic"`
	Partition int32   `json:"partition"`
	Offset    int64   `json:"offset"`
	ID        string  `json:"id,omitempty"`
	Source    string  `json:"source,omitempty"`
	Type      string  `json:"type,omitempty"`
	Time      string  `json:"time,omitempty"`
	Verdict   Verdict `json:"verdict"`
	// Why says what is behind a verdict other than counted.
	Why string `json:"why,omitempty"`
	// Late says that a later event was folded before.
	Late     bool    `json:"late,omitempty"`
	Counters []Moved `json:"counters,omitempty"`
	Badges   []Given `json:"badges,omitempty"`
	// Version is the user's after it.
	Version int64 `json:"user_version"`
}

// Moved is what an event did to one counter.
type Moved struct {
	Counter string `json:"counter"`
	Before  int64  `json:"before"`
	After   int64  `json:"after"`
}

// Given is a badge that an event awarded or revoked.
type Given struct {
	Badge   string `json:"badge"`
	Revoked bool   `json:"revoked,omitempty"`
}

// AddTrace reads the log from its beginning, and says what of it had to do with
// the user.
func (e *Explanation) AddTrace(ctx context.Context, store *projections.Store, brokers []string) error {
	began := time.Now()
	a := e.account
	reader, err := userlog.New(store, brokers, a.Installed, a.Catalog, e.User)
	if err != nil {
		return err
	}
	list, err := reader.Advance(ctx, a.Standing)
	if err != nil {
		return err
	}
	r := &replay{user: e.User, account: a, cat: a.Catalog, memory: processor.NewMemory(a.Catalog), batch: processor.New(a.Catalog),
		none: processor.NewWindow(0), first: map[string]int64{}}
	r.memory.Watch(func(t processor.Touch) { r.touches = append(r.touches, t) })
	t := &Trace{Events: []Event{}, Records: reader.Records, Begins: reader.Begins}
	for i := range list {
		ev, err := r.event(&list[i])
		if err != nil {
			return err
		}
		if ev.Type != schemas.TickType || len(ev.Badges) > 0 || ev.Verdict == Counted {
			t.Events = append(t.Events, ev)
		}
	}
	if len(reader.Begins) == 0 {
		t.Differs = r.differs()
	}
	t.Seconds = time.Since(began).Seconds()
	e.Trace = t
	return nil
}
