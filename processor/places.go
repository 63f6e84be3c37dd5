package processor

import (
	"slices"

	"github.com/cockroachdb/errors"
)

// Places asks for the places that first-timers of the batch draw, sorted by
// collection. It is empty for most batches.
func (b *Batch) Places() []PlaceOp {
	var ops []PlaceOp
	for _, d := range b.drawn {
		i, ok := slices.BinarySearchFunc(ops, d.coll, func(o PlaceOp, c int16) int { return int(o.Collection) - int(c) })
		if !ok {
			ops = slices.Insert(ops, i, PlaceOp{Collection: d.coll, Places: b.cat.Collections[d.coll].Places})
		}
		ops[i].Count++
	}
	return ops
}

// ApplyPlaces takes, for each of Places, how many places were taken before. The
// batch's own are the next, in the order of its events.
func (b *Batch) ApplyPlaces(taken []int64) error {
	ops := b.Places()
	if len(taken) != len(ops) {
		return errors.AssertionFailedf("%d place rows asked for, %d answered", len(ops), len(taken))
	}
	for i, op := range ops {
		c := &b.cat.Collections[op.Collection]
		place := taken[i]
		for _, d := range b.drawn {
			if d.coll != op.Collection {
				continue
			}
			if place++; place <= op.Places {
				b.acts = append(b.acts, userAct{d.user, d.event, int16(c.Counter), 1})
			}
		}
	}
	return nil
}
