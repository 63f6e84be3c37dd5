package projections

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/schemas"
)

// givenUp is why a base is no more that stood before an erasure. Its rows led on
// to what others have only with those of the erased user: between the base and
// his erasure he took places, and numbers of changes that one record made.
const givenUp = "users were erased who had rows in it, and what others got beside them cannot be told without these"

func (s *Store) eraseFromBases(ctx context.Context, list []Generation, r *Remains, e *RowsErased) error {
	for _, g := range list {
		if g.State != Based {
			continue
		}
		if err := s.eraseFromBase(ctx, g.Number, r, e); err != nil {
			return errors.Wrapf(err, "erase a user from base %d", g.Number)
		}
	}
	return nil
}

// eraseFromBase removes a user who was erased from a base. If it stands before
// that and has rows of his, the base is given up. That is put off while a rebuild
// is about to take its rows.
func (s *Store) eraseFromBase(ctx context.Context, number int32, r *Remains, e *RowsErased) error {
	passed, err := s.passed(ctx, number, &r.Place)
	if err != nil {
		return err
	}
	if passed {
		rows, err := s.eraseRows(ctx, number, true, []string{r.ID}, []schemas.UserHash{r.User})
		e.Rows += rows
		return err
	}
	rows, err := s.rowsInBase(ctx, number, `id = ANY($1)`, []string{r.ID}, []schemas.UserHash{r.User})
	if err != nil || rows == 0 {
		return err
	}
	gone, err := s.giveUpBase(ctx, number, givenUp)
	if gone {
		e.Rows, e.Bases = e.Rows+rows, append(e.Bases, number)
	}
	e.Last = e.Last && gone
	return err
}

// rowsInBase counts what a base has of users: those that a condition about its
// argument holds for, and all of these hashes.
func (s *Store) rowsInBase(ctx context.Context, number int32, users string, arg any, hashes []schemas.UserHash) (rows int64, err error) {
	gen := generationSchema(s.group, number)
	err = s.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM `+gen+`.users WHERE `+users+`)
+ (SELECT count(*) FROM `+gen+`.member WHERE user_key = ANY($2)) + (SELECT count(*) FROM `+gen+`.entity WHERE user_key = ANY($2))`, arg, userKeysOf(hashes)).Scan(&rows)
	return rows, errors.Wrapf(err, "look for users in base %d", number)
}

// giveUpBase ends a base and drops its tables. It does not, and gone is false,
// while a rebuild is about to take its rows, or if there is no such base.
func (s *Store) giveUpBase(ctx context.Context, number int32, why string) (gone bool, err error) {
	base := schema(s.group)
	err = s.locked(ctx, migrationLock, func(conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, `UPDATE `+base+`.generation b SET state = $2, ended_at = now(), trouble = $5 WHERE generation = $1 AND state = $3
AND NOT EXISTS (SELECT FROM `+base+`.generation g WHERE g.base = b.generation AND g.state = $4 AND NOT g.base_taken)`, number, Cancelled, Based, Building, why)
		gone = tag.RowsAffected() > 0
		return err
	})
	if err != nil || !gone {
		return false, errors.Wrapf(err, "give up base %d", number)
	}
	return true, s.SweepGenerations(ctx)
}

// SweepBases does for users who were erased while a base was copied what
// eraseFromBase does for others, once for each base.
func (s *Store) SweepBases(ctx context.Context) error {
	rows, err := s.pool.Query(ctx, `SELECT generation FROM `+schema(s.group)+`.generation WHERE state = $1 AND NOT swept`, Based)
	if err != nil {
		return errors.Wrap(err, "read which bases there are")
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return errors.Wrap(err, "read which bases there are")
	}
	for _, number := range list {
		if err := s.sweepBase(ctx, number); err != nil {
			return errors.Wrapf(err, "sweep base %d", number)
		}
	}
	return nil
}

func (s *Store) sweepBase(ctx context.Context, number int32) error {
	later, err := s.erasedHashes(ctx, ` JOIN `+schema(s.group)+`.generation_offset o ON (o.topic, o.partition) = (e.topic, e.partition) AND o.generation = $1 AND o.next <= e."offset"`, number)
	if err != nil {
		return err
	}
	if len(later) > 0 {
		hashes := make([][]byte, len(later))
		for i := range later {
			hashes[i] = later[i][:]
		}
		found, err := s.rowsInBase(ctx, number, userHash(schema(s.group))+` = ANY($1)`, hashes, later)
		if err != nil {
			return err
		}
		if found > 0 {
			_, err := s.giveUpBase(ctx, number, givenUp)
			return err
		}
	}
	return s.sweepUsers(ctx, number)
}
