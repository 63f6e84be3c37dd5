package projections

import (
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/cockroachdb/errors"
)

// answers holds what Postgres said to the stages of one transaction, in
// buffers that the next one uses again.
type answers struct {
	members  []processor.MemberPrior
	plain    []keyed // which members are upserted,
	timed    []keyed // which with their time,
	fresh    []keyed // and which are copied
	entities []processor.EntityRow
	there    []keyed // which entities are upserted,
	made     []keyed // and which are copied
	taken    []int64
	users    []processor.UserRow
	counters []int64          // arena of UserRow.Counters
	held     []processor.Held // arena of UserRow.Held
}

// prior reads what an upsert answers in prev: the state before, where a row
// that was inserted answers with the outcome it was given, -8 or less.
func prior(prev []byte) int32 {
	state := pgbatch.ReadInt4(prev)
	if state <= -8 {
		return processor.Absent
	}
	return state
}

// counted checks that a statement answered for every row: all that follows
// trusts that the answers stand in the order of the questions.
func counted(what string, asked, got int) error {
	if asked != got {
		return errors.AssertionFailedf("%s: Postgres was given %d rows and answered for %d", what, asked, got)
	}
	return nil
}

// readHeld reads the columns held and earned_at into the arena.
func (a *answers) readHeld(held, earnedAt []byte) ([]processor.Held, error) {
	if held == nil {
		return nil, nil
	}
	badges, err := pgbatch.ReadArray(held)
	if err != nil {
		return nil, errors.Wrap(err, "column held")
	}
	times, err := pgbatch.ReadArray(earnedAt)
	if err != nil {
		return nil, errors.Wrap(err, "column earned_at")
	}
	if badges.Len() != times.Len() {
		return nil, errors.Newf("columns held and earned_at differ in length: %d and %d", badges.Len(), times.Len())
	}
	start := len(a.held)
	for badges.Len() > 0 {
		a.held = append(a.held, processor.Held{Badge: pgbatch.ReadInt2(badges.Next()), At: pgbatch.ReadTime(times.Next())})
	}
	return a.held[start:len(a.held):len(a.held)], nil
}

// readByHand reads the columns granted, withheld and pinned_badges; nil where
// they are null, as they are for almost everybody.
func readByHand(v [][]byte) (*processor.ByHand, error) {
	if v[0] == nil && v[1] == nil && v[2] == nil {
		return nil, nil
	}
	var lists [3][]int16
	for i, column := range v[:3] {
		if column == nil {
			continue
		}
		badges, err := pgbatch.ReadArray(column)
		if err != nil {
			return nil, errors.Wrapf(err, "column %s", handColumns()[i])
		}
		for badges.Len() > 0 {
			lists[i] = append(lists[i], pgbatch.ReadInt2(badges.Next()))
		}
	}
	return &processor.ByHand{Granted: lists[0], Withheld: lists[1], Pins: lists[2]}, nil
}

// rowColumns are the columns of a user's row that stand before the counters.
func rowColumns() []string { return append([]string{"version", "held", "earned_at"}, handColumns()...) }

// handColumns are the columns of a user's row that people decide: ids of badges,
// null where there are none.
func handColumns() []string { return []string{"granted", "withheld", "pinned_badges"} }

// readFinal reads a user's row from rowColumns and the counters.
func (a *answers) readFinal(f *processor.Final, v [][]byte) (err error) {
	f.Version = pgbatch.ReadInt8(v[0])
	f.Counters = make([]int64, 0, len(v)-6)
	for _, c := range v[6:] {
		f.Counters = append(f.Counters, pgbatch.ReadInt8(c))
	}
	if f.Held, err = a.readHeld(v[1], v[2]); err != nil {
		return err
	}
	f.ByHand, err = readByHand(v[3:6])
	return err
}
