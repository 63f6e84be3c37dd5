package processor

import (
	"slices"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/cockroachdb/errors"
)

// Members names the member rows that the batch writes, each once. The list, as
// those of Entities and Users, holds until Rewind or Reset.
func (b *Batch) Members() []MemberOp {
	b.given, b.byRank = len(b.things), b.users.order(b.byRank, &b.sort)
	ops := slices.Grow(b.memberOps[:0], len(b.members))[:len(b.members)]
	b.memberOps = ops
	for i := range b.members {
		m := &b.members[i]
		ops[i] = MemberOp{MemberKey: MemberKey{b.users.all[m.user], m.coll, m.entity, m.name}, Next: m.next}
		if b.cat.Collections[m.coll].ByTime {
			ops[i].At = m.at
		}
	}
	return ops
}

// ApplyMembers takes the answer to Members, in its order, and works out what
// each event changed.
func (b *Batch) ApplyMembers(priors []MemberPrior) error {
	if len(priors) != len(b.members) {
		return errors.AssertionFailedf("%d member rows asked for, %d answered", len(b.members), len(priors))
	}
	for i := range b.members {
		m := &b.members[i]
		m.state, m.stamp, m.thing = priors[i].State, priors[i].At, catalog.None
	}
	for _, a := range b.did {
		m := &b.members[a.member]
		c := &b.cat.Collections[m.coll]
		if c.ByTime {
			at := b.events[a.event].Time
			if at < m.stamp {
				continue
			}
			m.stamp = at
		}
		was := m.state
		m.state = step(was, a.op, a.code)
		if m.state == was {
			continue
		}
		b.moved(a.event, m, c, was)
	}
	return nil
}

// moved passes on what a member's new state adds: to its user's counters, to
// the thing that it belongs to, or as a request for a place.
func (b *Batch) moved(event int32, m *member, c *catalog.Collection, was int32) {
	switch c.Kind {
	case catalog.First:
		if was == Absent && m.state > Absent {
			b.drawn = append(b.drawn, placeAct{event, m.user, m.coll})
		}
		return
	case catalog.Age:
		if was == Absent && m.state > Absent {
			b.acts = append(b.acts, userAct{m.user, event, int16(c.Counter), began(b.events[event].Time)})
		}
		return
	}
	for i := range c.Weights {
		w := &c.Weights[i]
		d := weigh(w, m.state) - weigh(w, was)
		if d == 0 {
			continue
		}
		if c.Parent == catalog.None {
			b.acts = append(b.acts, userAct{m.user, event, int16(w.Target), d})
			continue
		}
		if m.thing == catalog.None {
			m.thing = b.thing(m.user, int16(c.Parent), m.entity)
		}
		b.things[m.thing].add[w.Target] += d
		b.summed = append(b.summed, thingAct{event: event, thing: m.thing, sum: int8(w.Target), delta: d})
	}
}
