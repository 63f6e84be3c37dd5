package projections

import (
	"cmp"
	"context"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// LedgerAhead returns the ranges that the live generation has folded and one
// beside it has not, which stands at these positions, in the order in which they
// took effect: about limit of each partition, and of these as many as are certain
// to be the next ones. A range may begin before the partition's position.
//
// A row of a lower number can be committed after one of a higher. It then
// touches no row that the higher one touched, or it would have had to wait. So
// what one look at the ledger shows, by number, is an order in which it all
// took effect, whatever comes later.
func (s *Store) LedgerAhead(ctx context.Context, stands []BesideOffset, limit int) ([]LedgerRow, error) {
	base := schema(s.group)
	topics, partitions := make([]string, len(stands)), make([]int32, len(stands))
	nexts, steps := make([]int64, len(stands)), make([]int64, len(stands))
	for i, o := range stands {
		topics[i], partitions[i], nexts[i], steps[i] = o.Topic, o.Partition, o.Offset, o.Step
	}
	// For each partition the index leads from the position on. The row before
	// may reach beyond it: a rebuild by other rules can stand within a range.
	rows, err := s.pool.Query(ctx, `SELECT ahead.* FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) o (topic, partition, next, step)
LEFT JOIN LATERAL (SELECT b.from_offset, b.from_step FROM `+base+`.ledger b
  WHERE b.topic = o.topic AND b.partition = o.partition AND (b.from_offset, b.from_step) <= (o.next, o.step)
  ORDER BY b.from_offset DESC, b.from_step DESC LIMIT 1) before ON true,
LATERAL (SELECT `+ledgerColumns+` FROM `+base+`.ledger l
  WHERE l.topic = o.topic AND l.partition = o.partition AND (l.to_offset, l.to_step) > (o.next, o.step)
    AND (l.from_offset, l.from_step) >= (coalesce(before.from_offset, 0), coalesce(before.from_step, 0))
  ORDER BY l.from_offset, l.from_step LIMIT $5) ahead`, topics, partitions, nexts, steps, limit)
	if err != nil {
		return nil, errors.Wrap(err, "read the ledger ahead of a generation")
	}
	list, err := pgx.CollectRows(rows, scanLedger)
	if err != nil {
		return nil, errors.Wrap(err, "read the ledger ahead of a generation")
	}
	return certain(list, limit), nil
}

// certain sorts rows by number and keeps those of which all before are there:
// a partition of which only the first limit were read may have others, with
// higher numbers than the last of these.
func certain(list []LedgerRow, limit int) []LedgerRow {
	read := map[TopicPartition]int{}
	last := map[TopicPartition]int64{}
	for i := range list {
		p := list[i].TopicPartition
		read[p]++
		last[p] = max(last[p], list[i].Number)
	}
	slices.SortFunc(list, func(a, b LedgerRow) int { return cmp.Compare(a.Number, b.Number) })
	for p, n := range read {
		if n < limit {
			continue
		}
		end, _ := slices.BinarySearchFunc(list, last[p]+1, func(r LedgerRow, n int64) int { return cmp.Compare(r.Number, n) })
		list = list[:end]
	}
	return list
}

// FirstRanges returns where the first range of each partition begins: where
// folding began.
func (s *Store) FirstRanges(ctx context.Context) ([]BesideOffset, error) {
	base := schema(s.group)
	rows, err := s.pool.Query(ctx, `SELECT o.topic, o.partition, coalesce((SELECT l.from_offset FROM `+base+`.ledger l
WHERE l.topic = o.topic AND l.partition = o.partition ORDER BY l.from_offset, l.from_step LIMIT 1), o.next)
FROM `+base+`.fold_offset o ORDER BY 1, 2`)
	if err != nil {
		return nil, errors.Wrap(err, "find where folding began")
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o BesideOffset, err error) {
		err = row.Scan(&o.Topic, &o.Partition, &o.Begins)
		o.Offset = o.Begins
		return o, err
	})
	return list, errors.Wrap(err, "find where folding began")
}
