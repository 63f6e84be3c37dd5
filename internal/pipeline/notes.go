package pipeline

import (
	"context"
	"maps"

	"github.com/badgestream/badgestream/projections"
)

// notesReach is how many numbers of the ledger a worker looks back for rows
// that it has not seen. A number is drawn and committed in one round trip, so
// that a row can only be as late as so many others overtake it in that time.
const notesReach = 1_000

// notes is what a worker knows of the others' rows of the ledger.
//
// A row takes effect before rows of higher numbers that touch the same users,
// and may be published after them, as another worker does that. If Postgres
// were restored to before both, the ledger topic would have the later one
// alone, and folded again without the earlier one it would differ from what is
// published. So each publication notes the rows below its own that are not
// known to be published: what a row depends on was committed before it, and can
// be seen by then.
type notes struct {
	floor     int64              // all numbers up to it are seen, or too old
	seen      map[int64]struct{} // above the floor
	published map[projections.TopicPartition]projections.Position
}

// note adds the rows that the worker's own may depend on.
func (w *worker) note(ctx context.Context, p *publication, own []projections.LedgerRow) error {
	n, last := &w.notes, own[0].Number
	for i := range own {
		last = max(last, own[i].Number)
		n.see(own[i].Number)
	}
	n.raise(last - notesReach)
	rows, err := w.Store.LedgerBetween(ctx, n.floor, last)
	if err != nil {
		return err
	}
	for i := range rows {
		row := &rows[i]
		if n.see(row.Number) && compare(n.published[row.TopicPartition], row.To) < 0 {
			w.ledgerRow(p, row, true)
		}
	}
	n.raise(0)
	return nil
}

// see reports whether a number was not seen before.
func (n *notes) see(number int64) bool {
	if _, known := n.seen[number]; known || number <= n.floor {
		return false
	}
	n.seen[number] = struct{}{}
	return true
}

// raise moves the floor up to a number at least, and on over those seen.
func (n *notes) raise(least int64) {
	if n.floor < least {
		n.floor = least
		maps.DeleteFunc(n.seen, func(number int64, _ struct{}) bool { return number <= least })
	}
	for {
		if _, ok := n.seen[n.floor+1]; !ok {
			return
		}
		n.floor++
		delete(n.seen, n.floor)
	}
}
