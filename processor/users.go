package processor

import (
	"slices"

	"github.com/cockroachdb/errors"
)

// userSpan is a user's acts, and what the store was told of them.
type userSpan struct {
	user     int32
	from, to int32 // in sorted
	events   int64
	add      []int64
	due      *Due // set if the present made the user due
	decided  bool // somebody decided about the user
}

// Users names the user rows that the batch writes, sorted by user.
func (b *Batch) Users() []UserOp {
	if len(b.due) > 0 {
		return b.dueUsers()
	}
	b.groupActs()
	width := len(b.cat.Counters)
	b.adds = slices.Grow(b.adds[:0], len(b.ranked)*width)[:len(b.ranked)*width]
	clear(b.adds)
	kept := b.ranked[:0]
	for _, s := range b.ranked {
		s.add = b.adds[len(kept)*width:][:width:width]
		if b.settle(&s); s.events > 0 {
			kept = append(kept, s)
		}
	}
	b.ranked = kept
	ops := slices.Grow(b.userOps[:0], len(kept))[:len(kept)]
	b.userOps = ops
	for i := range kept {
		s := &kept[i]
		ops[i] = UserOp{User: b.users.all[s.user], Events: s.events, Add: s.add, DueAt: b.dueSince(s)}
	}
	return ops
}

// groupActs brings the acts of each user together, users by rank, a user's
// acts in the order of events: a counting sort by user, then a sort of the
// few that each has.
func (b *Batch) groupActs() {
	starts := make([]int32, len(b.users.all)+1)
	for _, acts := range [][]userAct{b.counted, b.acts} {
		for i := range acts {
			starts[b.users.rank[acts[i].user]+1]++
		}
	}
	for r := range b.byRank {
		n := starts[r+1]
		starts[r+1] += starts[r]
		if n > 0 {
			b.ranked = append(b.ranked, userSpan{user: b.byRank[r], from: starts[r], to: starts[r+1]})
		}
	}
	n := len(b.counted) + len(b.acts)
	b.sorted = slices.Grow(b.sorted[:0], n)[:n]
	for _, acts := range [][]userAct{b.counted, b.acts} {
		for _, a := range acts {
			r := b.users.rank[a.user]
			b.sorted[starts[r]] = a
			starts[r]++
		}
	}
	for _, s := range b.ranked {
		slices.SortStableFunc(b.sorted[s.from:s.to], func(x, y userAct) int { return int(x.event - y.event) })
	}
}

// settle nets a user's acts per event and counter: what an event gives and
// takes away again was no effect. It counts the events that had one.
func (b *Batch) settle(s *userSpan) {
	acts := b.sorted[s.from:s.to]
	kept := acts[:0]
	for i := 0; i < len(acts); {
		event, first := acts[i].event, len(kept)
		for ; i < len(acts) && acts[i].event == event; i++ {
			a := acts[i]
			at := slices.IndexFunc(kept[first:], func(k userAct) bool { return k.counter == a.counter })
			if at < 0 {
				kept = append(kept, a)
			} else {
				kept[first+at].delta += a.delta
			}
		}
		kept = append(kept[:first], slices.DeleteFunc(kept[first:], func(a userAct) bool { return a.delta == 0 })...)
		if len(kept) > first {
			s.events++
		}
	}
	for _, a := range kept {
		if a.counter == byHand {
			s.decided = true
			continue
		}
		s.add[a.counter] += a.delta
	}
	s.to = s.from + int32(len(kept))
}

// ApplyUsers takes the answer to Users, in its order, and works out the
// badges that start or stop being held.
func (b *Batch) ApplyUsers(rows []UserRow) error {
	if len(rows) != len(b.ranked) {
		return errors.AssertionFailedf("%d user rows asked for, %d answered", len(b.ranked), len(rows))
	}
	for i := range b.ranked {
		s, row := &b.ranked[i], &rows[i]
		user := b.users.all[s.user]
		m := b.evaluate(s, row)
		if m.changed {
			b.held = append(b.held, HeldUpdate{user, m.held})
		}
		if m.decided {
			b.hands = append(b.hands, HandUpdate{user, m.hand})
		}
		b.finals = append(b.finals, Final{user, row.Version, row.Counters, m.held, m.hand})
	}
	b.numberChanges()
	return nil
}

// Changes are the badges that start or stop being held, by causing event,
// user and display order.
func (b *Batch) Changes() []Change { return b.changes }

// HeldUpdates are the users whose badges changed, sorted by user.
func (b *Batch) HeldUpdates() []HeldUpdate { return b.held }

// Finals are the rows as the batch leaves them, sorted by user.
func (b *Batch) Finals() []Final { return b.finals }
