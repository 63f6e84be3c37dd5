package processor

import (
	"slices"

	"github.com/cockroachdb/errors"
)

// Entities names the entity rows that the batch writes, each once.
func (b *Batch) Entities() []EntityOp {
	ops := slices.Grow(b.entityOps[:0], len(b.things))[:len(b.things)]
	b.entityOps = ops
	for i := range b.things {
		t := &b.things[i]
		ops[i] = EntityOp{EntityKey: EntityKey{b.users.all[t.user], t.coll, t.name}, Next: t.next, Add: t.add}
	}
	return ops
}

// ApplyEntities takes the answer to Entities, in its order.
func (b *Batch) ApplyEntities(rows []EntityRow) error {
	if len(rows) != len(b.things) {
		return errors.AssertionFailedf("%d entity rows asked for, %d answered", len(b.things), len(rows))
	}
	for i := range b.things {
		t := &b.things[i]
		t.state, t.sums = rows[i].Prior, rows[i].Sums
		for s := range t.sums {
			t.sums[s] -= t.add[s]
		}
	}
	for done, summed := b.done, b.summed; len(done)+len(summed) > 0; {
		if len(summed) == 0 || len(done) > 0 && done[0].event <= summed[0].event {
			b.entityAct(&done[0])
			done = done[1:]
		} else {
			b.entityAct(&summed[0])
			summed = summed[1:]
		}
	}
	return nil
}

// entityAct takes one act. An event's acts on one entity may come one by one:
// what they add to a counter on the way cancels out, as counters are looked
// at once per event.
func (b *Batch) entityAct(a *thingAct) {
	t := &b.things[a.thing]
	was, sums := t.state, t.sums
	if a.sum < 0 {
		t.state = step(was, a.op, 1)
	} else {
		t.sums[a.sum] += a.delta
	}
	terms := b.cat.Collections[t.coll].Terms
	for i := range terms {
		if d := amount(&terms[i], t.state, &t.sums) - amount(&terms[i], was, &sums); d != 0 {
			b.acts = append(b.acts, userAct{t.user, a.event, int16(terms[i].Counter), d})
		}
	}
}
