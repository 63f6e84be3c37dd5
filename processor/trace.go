package processor

import (
	"slices"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// Exemption is why a rule credits nobody with an event.
type Exemption uint8

// The exemptions.
const (
	Credited      Exemption = iota // none: it does credit
	SystemAccount                  // the user is one, and earns nothing
	Unless                         // the rule's own exception holds, such as an act upon oneself
)

// Naming is whom one rule of an event's type names.
type Naming struct {
	Rule   *catalog.Rule
	User   string
	Exempt Exemption
}

// Namings says whom an event's rules credit, and whom they pass over, as Add
// would decide it. It is empty for types that the catalogue has not; the error
// is a *schemas.Reject.
func (b *Batch) Namings(ev *schemas.Event) ([]Naming, error) {
	t, ok := b.cat.Types[ev.Type]
	if !ok {
		return nil, nil
	}
	et := &b.cat.Events[t]
	values := b.values[:len(et.Shape.Fields)]
	if err := et.Shape.Decode(ev, values); err != nil {
		return nil, err
	}
	list := make([]Naming, len(et.Rules))
	for i := range et.Rules {
		r := &et.Rules[i]
		credit := refer(r.Credit, ev, values)
		list[i] = Naming{r, credit, b.exempt(r, credit, ev, values)}
	}
	return list, nil
}

// Touch is a member's row, or with no Member a thing's, as a fold met it and as
// it left it. Late says that the row stayed as it was, since its value is of a
// later time.
type Touch struct {
	MemberKey
	Before, After int32
	Late          bool
}

// Watch has f told of each row of members and of things that is folded from now
// on, in the order in which the batch names them.
func (m *Memory) Watch(f func(Touch)) { m.watch = f }

func (m *Memory) touched(key *MemberKey, before, after int32, late bool) {
	if m.watch != nil {
		m.watch(Touch{*key, before, after, late})
	}
}

// User is a user's row, as it is now. Who has none is at nothing.
func (m *Memory) User(name string) Final {
	if u := m.users[name]; u != nil {
		return Final{name, u.Version, u.Counters, u.Held, u.ByHand}
	}
	return Final{User: name, Counters: make([]int64, len(m.cat.Counters))}
}

// SetTaken says how many places of a First collection are taken. It is for who
// folds some users' events alone and knows what places the others have.
func (m *Memory) SetTaken(collection int16, taken int64) { m.places[collection] = taken }

// DueAt is when time alone may next change a user's badge, in Unix
// microseconds, 0 if it cannot.
func (m *Memory) DueAt(name string) int64 {
	if u := m.users[name]; u != nil {
		return u.dueAt
	}
	return 0
}

// Keep gives a user a badge since a time, unless he holds it. It is for those
// that were kept, though the log does not give them.
func (m *Memory) Keep(name string, h Held) {
	u := m.users[name]
	if u == nil {
		u = &memoryUser{UserRow: UserRow{Counters: make([]int64, len(m.cat.Counters))}}
		m.users[name] = u
	}
	at, has := slices.BinarySearchFunc(u.Held, h.Badge, func(x Held, id int16) int { return int(x.Badge) - int(id) })
	if !has {
		u.Held = slices.Insert(slices.Clone(u.Held), at, h)
	}
}
