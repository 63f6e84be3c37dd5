package projections

import (
	"context"
	"fmt"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/schemas"
)

// Tombstone is where the award topic has a badge event that it shall forget.
type Tombstone struct {
	Key       string
	Partition int32
}

// Tombstones are those of a user, by key.
func (s *Store) Tombstones(ctx context.Context, user schemas.UserHash) ([]Tombstone, error) {
	rows, err := s.pool.Query(ctx, `SELECT key, partition FROM `+schema(s.group)+`.tombstone WHERE user_hash = $1 ORDER BY key`, user[:])
	if err != nil {
		return nil, errors.Wrap(err, "read which badge events to forget")
	}
	return collect(rows, "read which badge events to forget", func(t *Tombstone) []any { return []any{&t.Key, &t.Partition} })
}

// EraseDone notes that nothing is left of a user, and forgets whose hash it was.
// removed is added to what was there.
func (s *Store) EraseDone(ctx context.Context, user schemas.UserHash, removed map[string]int64) error {
	base := schema(s.group)
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM `+base+`.tombstone WHERE user_hash = $1`, user[:])
	batch.Queue(`DELETE FROM `+base+`.erasing WHERE user_hash = $1`, user[:])
	batch.Queue(`UPDATE `+base+`.erasure SET done_at = now(), removed = removed || $2 WHERE user_hash = $1 AND done_at IS NULL`, user[:], removed)
	return errors.Wrap(pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, batch).Close() }), "note that a user is erased")
}

// RowsOf counts the rows that there are of a user, by table: whatever an erasure
// removes.
func (s *Store) RowsOf(ctx context.Context, hash schemas.UserHash, user string) (map[string]int64, error) {
	list, err := s.Generations(ctx)
	if err != nil {
		return nil, err
	}
	base, rows, key := schema(s.group), map[string]int64{}, userKeyOf(hash)
	count := func(name, where string, arg any) error {
		var n int64
		err := s.pool.QueryRow(ctx, `SELECT count(*) FROM `+where, arg).Scan(&n)
		if rows[name] = n; n == 0 {
			delete(rows, name)
		}
		return errors.Wrapf(err, "count what there is in %s", name)
	}
	for _, table := range []string{"history", "decision", "kept", "erasing"} {
		if err := count(table, base+`.`+table+` WHERE user_id = $1`, user); err != nil {
			return nil, err
		}
	}
	for _, g := range list {
		gen, prefix := generationSchema(s.group, g.Number), fmt.Sprintf("g%d.", g.Number)
		if g.State == Cancelled || g.State == Retired || g.State == Taking {
			continue
		}
		if err := count(prefix+"users", gen+`.users WHERE id = $1`, user); err != nil {
			return nil, err
		}
		if g.State != Live {
			if err := count(prefix+"history", gen+`.history WHERE user_id = $1`, user); err != nil {
				return nil, err
			}
		}
		for _, table := range []string{"member", "entity"} {
			if err := count(prefix+table, gen+`.`+table+` WHERE user_key = $1`, key); err != nil {
				return nil, err
			}
		}
	}
	is := func(name string) bool { return name == user }
	err = s.RejectsWith(ctx, user, func(r *Reject) error {
		if schemas.Names(is, r.Key, r.Value, r.Headers) {
			rows["reject"]++
		}
		return nil
	})
	return rows, err
}
