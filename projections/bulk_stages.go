package projections

import (
	"context"
	"slices"

	"github.com/badgestream/badgestream/processor"
)

// applyMembers does to the rows in memory what the statement members does to
// those in the table, and answers as it does.
func (b *BulkFolder) applyMembers(ctx context.Context, ops []processor.MemberOp) ([]processor.MemberPrior, error) {
	f := b.plain.folder
	a := &b.answers
	keys := slices.Grow(a.plain[:0], len(ops))[:len(ops)]
	a.plain = keys
	for i := range ops {
		op := &ops[i]
		keys[i] = keyed{f.rowKey(op.User, op.Collection, op.Entity, op.Member), int32(i)}
	}
	if err := b.members.readMissing(ctx, keys); err != nil {
		return nil, err
	}
	a.members = slices.Grow(a.members[:0], len(ops))[:len(ops)]
	for i := range ops {
		a.members[i] = b.applyMember(&ops[i], keys[i].rowKey)
	}
	return a.members, nil
}

func (b *BulkFolder) applyMember(op *processor.MemberOp, key rowKey) processor.MemberPrior {
	r := b.members.get(key)
	timed := b.catalogue().Collections[op.Collection].ByTime
	if r == nil {
		r = b.members.young.add(key)
		r.coll, r.at = op.Collection, processor.NoTime
		b.members.fresh = append(b.members.fresh, r)
	}
	was := processor.MemberPrior{State: r.state}
	now := *r
	if timed {
		if was.At = r.at; op.At < r.at {
			return was
		}
		now.at = op.At
	}
	now.state = op.After(r.state)
	if now.state == r.state && now.at == r.at {
		return was
	}
	if *r = now; r.stored && !r.dirty {
		r.dirty = true
		b.members.dirty = append(b.members.dirty, r)
	}
	return was
}

// applyEntities does to the rows in memory what the statement entities does to
// those in the table, and answers as it does.
func (b *BulkFolder) applyEntities(ctx context.Context, ops []processor.EntityOp) ([]processor.EntityRow, error) {
	a := &b.answers
	f := b.plain.folder
	keys := slices.Grow(a.timed[:0], len(ops))[:len(ops)]
	a.timed = keys
	for i := range ops {
		op := &ops[i]
		keys[i] = keyed{f.rowKey(op.User, op.Collection, op.Entity, ""), int32(i)}
	}
	if err := b.entities.readMissing(ctx, keys); err != nil {
		return nil, err
	}
	a.entities = slices.Grow(a.entities[:0], len(ops))[:len(ops)]
	for i := range ops {
		a.entities[i] = b.applyEntity(&ops[i], keys[i].rowKey)
	}
	return a.entities, nil
}

func (b *BulkFolder) applyEntity(op *processor.EntityOp, key rowKey) processor.EntityRow {
	r := b.entities.get(key)
	if r == nil {
		r = b.entities.young.add(key)
		r.coll = op.Collection
		b.entities.fresh = append(b.entities.fresh, r)
	}
	answer := processor.EntityRow{Prior: r.state}
	changed := false
	for s, add := range op.Add {
		r.sums[s] += add
		changed = changed || add != 0
	}
	answer.Sums = r.sums
	r.state = op.After(r.state)
	if changed = changed || r.state != answer.Prior; changed && r.stored && !r.dirty {
		r.dirty = true
		b.entities.dirty = append(b.entities.dirty, r)
	}
	return answer
}

func (b *BulkFolder) applyPlaces(ops []processor.PlaceOp) []int64 {
	taken := b.answers.taken[:0]
	for _, op := range ops {
		was := b.places[op.Collection]
		taken = append(taken, was)
		b.places[op.Collection] = min(was+op.Count, op.Places)
		b.changed = true
	}
	b.answers.taken = taken
	return taken
}

// applyUsers does to the rows in memory what the statement users does to those
// in the table, and answers as it does.
func (b *BulkFolder) applyUsers(ctx context.Context, ops []processor.UserOp) ([]processor.UserRow, error) {
	if err := b.readUsers(ctx, ops); err != nil {
		return nil, err
	}
	a := &b.answers
	width := len(b.catalogue().Counters)
	a.users = slices.Grow(a.users[:0], len(ops))[:len(ops)]
	a.counters = slices.Grow(a.counters[:0], len(ops)*width)
	a.held = a.held[:0]
	for i := range ops {
		op := &ops[i]
		u := b.users.get(op.User)
		if u == nil {
			u = b.users.add(op.User)
			b.users.fresh = append(b.users.fresh, u)
		}
		from := len(a.counters)
		a.counters = u.counters(a.counters, width)
		counters := a.counters[from:len(a.counters):len(a.counters)]
		for c, add := range op.Add {
			counters[c] += add
		}
		b.room = u.pack(counters, b.room)
		u.version += op.Events
		b.bringNearer(u, op.DueAt)
		if u.stored && !u.dirty {
			u.dirty = true
			b.users.dirty = append(b.users.dirty, u)
		}
		first := len(a.held)
		a.held = u.held(a.held)
		a.users[i] = processor.UserRow{Version: u.version, Counters: counters, Held: a.held[first:len(a.held):len(a.held)], ByHand: u.hand}
	}
	return a.users, nil
}

// bringNearer sets when a user is due, if that is earlier than it was.
func (b *BulkFolder) bringNearer(u *bulkUser, at int64) {
	if at == 0 || u.stored && !b.catalogue().HasAgeBadges {
		return
	}
	if u.due == 0 || at < u.due {
		u.due = at
	}
	if b.nextDue == 0 || at < b.nextDue {
		b.nextDue = at
	}
}
