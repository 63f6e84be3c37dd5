package projections

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/schemas"
)

// Remains is a user who was erased and of whom something may be left.
type Remains struct {
	User schemas.UserHash
	// ID is the user's, empty if nobody knows it any more: then there is no row.
	ID string
	Place
	// Until is up to where each partition, as TOPIC/NUMBER, must be published for
	// nothing of the user's to be on its way any more.
	Until map[string]int64
}

// Remaining are the users who were erased and of whom something may be left.
func (s *Store) Remaining(ctx context.Context) ([]Remains, error) {
	base := schema(s.group)
	rows, err := s.pool.Query(ctx, `SELECT e.user_hash, coalesce(x.user_id, ''), e.topic, e.partition, e."offset", e.until FROM `+base+`.erasure e
LEFT JOIN `+base+`.erasing x USING (user_hash) WHERE e.done_at IS NULL ORDER BY e.topic, e.partition, e."offset", e.user_hash`)
	if err != nil {
		return nil, errors.Wrap(err, "read of whom something is left")
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Remains, err error) {
		var hash []byte
		err = row.Scan(&hash, &r.ID, &r.Topic, &r.Partition, &r.Offset, &r.Until)
		copy(r.User[:], hash)
		return r, err
	})
	if missing(err) {
		return nil, nil
	}
	return list, errors.Wrap(err, "read of whom something is left")
}

// erasedAtOnce is how many rows go in one statement: others want the disk too.
const erasedAtOnce = 20_000

// RowsErased is what EraseRows has done.
type RowsErased struct {
	Rows int64
	// Last says that there will be no more rows.
	Last bool
	// Bases are those that were given up: they had rows of his, and stood before
	// his erasure.
	Bases []int32
}

// EraseRows deletes what the generations have of a user who was erased, and once
// they have no more of him, if bases is true, what the bases have, in which a user
// is looked for row by row. There may be more later: a generation that follows the
// live one may have to pass the record yet. One that is built is swept when it has
// caught up.
func (s *Store) EraseRows(ctx context.Context, r *Remains, bases bool) (e RowsErased, err error) {
	list, err := s.Generations(ctx)
	if err != nil {
		return e, err
	}
	e.Last = true
	for _, g := range list {
		if g.State == Following {
			passed, err := s.passed(ctx, g.Number, &r.Place)
			if err != nil {
				return e, err
			}
			if !passed {
				e.Last = false
				continue
			}
		} else if g.State != Live && g.State != Scratched {
			continue
		}
		rows, err := s.eraseRows(ctx, g.Number, g.State != Live, []string{r.ID}, []schemas.UserHash{r.User})
		e.Rows += rows
		if err != nil {
			return e, errors.Wrapf(err, "erase a user from generation %d", g.Number)
		}
	}
	if e.Last = e.Last && bases; e.Last {
		err = s.eraseFromBases(ctx, list, r, &e)
	}
	return e, errors.CombineErrors(err, s.noteErased(ctx, r, e.Rows))
}

// noteErased adds to the rows that the erasure has removed so far.
func (s *Store) noteErased(ctx context.Context, r *Remains, rows int64) error {
	if rows == 0 {
		return nil
	}
	_, err := s.pool.Exec(ctx, `UPDATE `+schema(s.group)+`.erasure SET removed = removed || jsonb_build_object('rows', coalesce((removed->>'rows')::bigint, 0) + $2) WHERE user_hash = $1`, r.User[:], rows)
	return errors.Wrap(err, "note how many rows of a user were erased")
}

// passed reports whether a generation beside the live one has folded a record.
func (s *Store) passed(ctx context.Context, generation int32, at *Place) (passed bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+schema(s.group)+`.generation_offset WHERE generation = $1 AND topic = $2 AND partition = $3 AND next > $4)`,
		generation, at.Topic, at.Partition, at.Offset).Scan(&passed)
	return passed, errors.Wrapf(err, "read how far generation %d is", generation)
}

func (s *Store) eraseRows(ctx context.Context, generation int32, ownHistory bool, ids []string, users []schemas.UserHash) (rows int64, err error) {
	gen := generationSchema(s.group, generation)
	tables := []string{gen + `.users WHERE id = ANY($1)`}
	if ownHistory {
		tables = append(tables, gen+`.history WHERE user_id = ANY($1)`)
	}
	for _, from := range tables {
		tag, err := s.pool.Exec(ctx, `DELETE FROM `+from, ids)
		if err != nil {
			return rows, err
		}
		rows += tag.RowsAffected()
	}
	keys := userKeysOf(users)
	for _, table := range []string{gen + `.member`, gen + `.entity`} {
		for {
			tag, err := s.pool.Exec(ctx, `DELETE FROM `+table+` WHERE ctid = ANY(ARRAY(SELECT ctid FROM `+table+` WHERE user_key = ANY($1) LIMIT $2))`, keys, erasedAtOnce)
			if err != nil {
				return rows, err
			}
			if rows += tag.RowsAffected(); tag.RowsAffected() < erasedAtOnce {
				break
			}
		}
	}
	return rows, nil
}

// SweepErased deletes, once for each generation that has caught up, all that it
// has of users who were erased before. It reports whether that is done: the
// generation may have to pass the last of these records yet.
func (s *Store) SweepErased(ctx context.Context, generation int32) (swept bool, err error) {
	base := schema(s.group)
	err = s.pool.QueryRow(ctx, `SELECT swept FROM `+base+`.generation WHERE generation = $1`, generation).Scan(&swept)
	if err != nil || swept {
		return swept, errors.Wrapf(err, "read whether generation %d is swept", generation)
	}
	err = errors.Wrapf(s.sweep(ctx, generation), "sweep generation %d", generation)
	if errors.Is(err, errNotPassed) {
		return false, nil
	}
	return err == nil, err
}

var errNotPassed = errors.New("a record that erases users is not folded into it yet")

func (s *Store) sweep(ctx context.Context, generation int32) error {
	base := schema(s.group)
	var ahead bool
	if err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+base+`.erasure e JOIN `+base+`.generation_offset o ON (o.topic, o.partition) = (e.topic, e.partition)
WHERE o.generation = $1 AND o.next <= e."offset")`, generation).Scan(&ahead); err != nil {
		return err
	}
	if ahead {
		return errNotPassed
	}
	return s.sweepUsers(ctx, generation)
}

// sweepUsers deletes what a generation has of users who were erased, and notes
// that it did.
func (s *Store) sweepUsers(ctx context.Context, generation int32) error {
	base, gen := schema(s.group), generationSchema(s.group, generation)
	users, err := s.erasedHashes(ctx, ``)
	if err != nil {
		return err
	}
	if len(users) > 0 {
		rows, err := s.pool.Query(ctx, `SELECT id FROM `+gen+`.users WHERE `+userHash(base)+` IN (SELECT user_hash FROM `+base+`.erasure)`)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		if _, err := s.eraseRows(ctx, generation, true, ids, users); err != nil {
			return err
		}
	}
	_, err = s.pool.Exec(ctx, `UPDATE `+base+`.generation SET swept = true WHERE generation = $1`, generation)
	return err
}

// Unswept reports whether something may be left, in a generation that follows
// the live one or in that, of a user who was erased.
func (s *Store) Unswept(ctx context.Context) (unswept bool, err error) {
	base := schema(s.group)
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+base+`.erasure WHERE done_at IS NULL) OR EXISTS (SELECT FROM `+base+`.generation WHERE state = 'following' AND NOT swept)`).Scan(&unswept)
	return unswept, errors.Wrap(err, "read of whom something is left")
}
