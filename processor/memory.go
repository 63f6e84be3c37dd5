package processor

import (
	"maps"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
)

// Memory is a store in memory: the fold alone, with no servers. It is for
// trying catalogues and for tests. Its keys are copies, so that it holds on to
// no batch's records.
type Memory struct {
	cat      *catalog.Catalog
	members  map[MemberKey]MemberPrior
	entities map[EntityKey]EntityRow
	places   map[int16]int64
	users    map[string]*memoryUser
	clock    int64
	watch    func(Touch)
}

type memoryUser struct {
	UserRow
	dueAt int64
}

// NewMemory makes an empty store.
func NewMemory(cat *catalog.Catalog) *Memory {
	return &Memory{cat: cat, members: map[MemberKey]MemberPrior{}, entities: map[EntityKey]EntityRow{}, places: map[int16]int64{}, users: map[string]*memoryUser{}}
}

// Clone is a copy that folds on by itself.
func (m *Memory) Clone() *Memory {
	c := &Memory{cat: m.cat, members: maps.Clone(m.members), entities: maps.Clone(m.entities), places: maps.Clone(m.places), users: map[string]*memoryUser{}, clock: m.clock}
	for name, u := range m.users {
		kept := *u
		kept.Counters, kept.Held = slices.Clone(u.Counters), slices.Clone(u.Held)
		c.users[name] = &kept
	}
	return c
}

// Clock is the time of the latest tick, in Unix microseconds, 0 before any.
func (m *Memory) Clock() int64 { return m.clock }

// Fold folds the batch: its results are then final.
func (m *Memory) Fold(b *Batch) error {
	b.SetClock(m.clock)
	ops := b.Members()
	priors := make([]MemberPrior, len(ops))
	for i := range ops {
		priors[i] = m.member(&ops[i])
	}
	if err := b.ApplyMembers(priors); err != nil {
		return err
	}
	things := b.Entities()
	rows := make([]EntityRow, len(things))
	for i := range things {
		rows[i] = m.entity(&things[i])
	}
	if err := b.ApplyEntities(rows); err != nil {
		return err
	}
	places := b.Places()
	taken := make([]int64, len(places))
	for i, p := range places {
		taken[i] = m.places[p.Collection]
		m.places[p.Collection] = min(p.Places, taken[i]+p.Count)
	}
	if err := b.ApplyPlaces(taken); err != nil {
		return err
	}
	return m.applyUsers(b)
}

// Tick raises the clock to the source's time and folds everybody due, numbering
// changes from 0. The batch must be empty.
func (m *Memory) Tick(b *Batch, src Source) error {
	m.clock = max(m.clock, src.Time)
	var due []Due
	for name, u := range m.users {
		if u.dueAt != 0 && u.dueAt <= m.clock {
			due = append(due, Due{name, u.dueAt, u.Counters})
		}
	}
	if len(due) == 0 {
		return nil
	}
	b.SetClock(m.clock)
	b.AddDue(due, src, 0)
	return m.applyUsers(b)
}

// Users calls f for every user that has a row, in no order.
func (m *Memory) Users(f func(Final)) {
	for name, u := range m.users {
		f(Final{name, u.Version, u.Counters, u.Held, u.ByHand})
	}
}

func (m *Memory) member(op *MemberOp) MemberPrior {
	was, ok := m.members[op.MemberKey]
	if !ok {
		was.At = NoTime
	}
	now := MemberPrior{op.After(was.State), was.At}
	if m.cat.Collections[op.Collection].ByTime {
		if op.At < was.At {
			m.touched(&op.MemberKey, was.State, was.State, true)
			return was
		}
		now.At = op.At
	}
	key := op.MemberKey
	if !ok {
		key.User, key.Entity, key.Member = strings.Clone(key.User), strings.Clone(key.Entity), strings.Clone(key.Member)
	}
	m.members[key] = now
	m.touched(&op.MemberKey, was.State, now.State, false)
	return was
}

// entity keeps a row's state in Prior, as that is what the next batch asks for.
func (m *Memory) entity(op *EntityOp) EntityRow {
	key := op.EntityKey
	row, ok := m.entities[key]
	if !ok {
		key.User, key.Entity = strings.Clone(key.User), strings.Clone(key.Entity)
	}
	for i := range row.Sums {
		row.Sums[i] += op.Add[i]
	}
	answer := row
	row.Prior = op.After(row.Prior)
	m.entities[key] = row
	m.touched(&MemberKey{User: op.User, Collection: op.Collection, Entity: op.Entity}, answer.Prior, row.Prior, false)
	return answer
}

func (m *Memory) applyUsers(b *Batch) error {
	ops := b.Users()
	rows := make([]UserRow, len(ops))
	for i := range ops {
		rows[i] = m.user(&ops[i])
	}
	if err := b.ApplyUsers(rows); err != nil {
		return err
	}
	for _, h := range b.HeldUpdates() {
		m.users[h.User].Held = h.Held
	}
	for _, h := range b.HandUpdates() {
		m.users[h.User].ByHand = h.ByHand
	}
	return nil
}

func (m *Memory) user(op *UserOp) UserRow {
	u := m.users[op.User]
	if u == nil {
		u = &memoryUser{}
		m.users[strings.Clone(op.User)] = u
	}
	counters := make([]int64, len(op.Add))
	for i := range counters {
		counters[i] = op.Add[i]
		if u.Counters != nil {
			counters[i] += u.Counters[i]
		}
	}
	u.Counters = counters
	u.Version += op.Events
	switch {
	case op.SetDue:
		u.dueAt = op.DueAt
	case op.DueAt != 0 && (u.dueAt == 0 || op.DueAt < u.dueAt):
		u.dueAt = op.DueAt
	}
	return u.UserRow
}

// Rows calls members and entities for every row, in no order. An entity's state
// stands in Prior.
func (m *Memory) Rows(members func(MemberKey, MemberPrior), entities func(EntityKey, EntityRow)) {
	for key, row := range m.members {
		members(key, row)
	}
	for key, row := range m.entities {
		entities(key, row)
	}
}

// Places are how many places of a collection are taken.
func (m *Memory) Places(collection int) int64 { return m.places[int16(collection)] }
