package projections

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/catalog"
)

// The states of a base: Taking while it is copied, when it has no tables that
// anybody sees, and Based from then on.
const (
	Taking State = "taking"
	Based  State = "base"
)

// Base is a frozen copy of what readers saw, with its history. A rebuild can
// begin with it, where the log no longer leads on from its beginning.
type Base struct {
	Number         int32
	CatalogVersion int32 // by whose rules its rows were counted
	At             time.Time
	Bytes          int64 // on disk
	Offsets        []BesideOffset
}

// ErrNoBase says that there is no such base.
var ErrNoBase = errors.New("there is no such base: `badgestream rebuild base list` shows those there are")

// takingBase is the purpose of the lock of who takes one.
const takingBase = "base"

// baseTables are what a base copies of the live generation, besides the history.
func baseTables() []string {
	return []string{"users", "member", "entity", "place", "clock", "refused"}
}

// TakeBase copies the live generation and its history, as they are at one
// moment. Folding goes on meanwhile: the copy is of one snapshot of Postgres.
// Nothing is left of one that was broken off. Migrate must have run.
func (s *Store) TakeBase(ctx context.Context) (*Base, error) {
	var number int32
	err := s.Alone(ctx, takingBase, func() error {
		var err error
		if number, err = s.beginBase(ctx); err != nil {
			return err
		}
		return s.copyBase(ctx, number)
	})
	if err != nil {
		return nil, errors.Wrap(err, "take a base")
	}
	// Whoever was erased while it was copied may be in it.
	if err := s.SweepBases(ctx); err != nil {
		return nil, err
	}
	b, err := s.Base(ctx, number)
	if errors.Is(err, ErrNoBase) {
		return nil, errors.New("users were erased while a base was copied that has rows of theirs, so it is given up: take another")
	}
	return b, err
}

// beginBase draws the number. A base that somebody began before was broken off.
func (s *Store) beginBase(ctx context.Context) (number int32, err error) {
	base := schema(s.group)
	err = s.locked(ctx, migrationLock, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE `+base+`.generation SET state = $1, ended_at = now() WHERE state = $2`, Cancelled, Taking); err != nil {
				return err
			}
			return tx.QueryRow(ctx, `INSERT INTO `+base+`.generation (generation, state, catalog_version)
SELECT (SELECT max(generation) + 1 FROM `+base+`.generation), $1, catalog_version FROM `+base+`.regime RETURNING generation`, Taking).Scan(&number)
		})
	})
	return number, err
}

// copyBase makes the tables and fills them, in one transaction with where they
// stand. They have no indexes: a base is read as a whole.
func (s *Store) copyBase(ctx context.Context, number int32) error {
	base, into := schema(s.group), generationSchema(s.group, number)
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		regime, err := readRegime(ctx, tx, s.group)
		if err != nil {
			return err
		}
		m := &Moment{tx: tx, group: s.group}
		history, err := m.historyOf(ctx, regime.Generation)
		if err != nil {
			return err
		}
		live := generationSchema(s.group, regime.Generation)
		statements := []string{`SET LOCAL statement_timeout = 0`, `CREATE SCHEMA ` + into}
		for _, table := range baseTables() {
			statements = append(statements, `CREATE TABLE `+into+`.`+table+` AS TABLE `+live+`.`+table)
		}
		statements = append(statements, `CREATE TABLE `+into+`.history AS `+history)
		for _, sql := range statements {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return errors.Wrapf(err, "copy generation %d", regime.Generation)
			}
		}
		if _, err := tx.Exec(ctx, `INSERT INTO `+base+`.generation_offset (generation, topic, partition, begins, next, step, ordinal)
SELECT $1, topic, partition, next, next, step, ordinal FROM `+base+`.fold_offset`, number); err != nil {
			return errors.Wrap(err, "note where it stands")
		}
		tag, err := tx.Exec(ctx, `UPDATE `+base+`.generation SET state = $2, catalog_version = $3 WHERE generation = $1 AND state = $4`, number, Based, regime.CatalogVersion, Taking)
		if err == nil && tag.RowsAffected() == 0 {
			err = errors.New("somebody else has begun to take one")
		}
		return err
	})
}

// Bases lists the bases there are, by number.
func (s *Store) Bases(ctx context.Context) ([]Base, error) {
	rows, err := s.pool.Query(ctx, `SELECT generation, catalog_version, requested_at,
coalesce((SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c WHERE relnamespace = to_regnamespace(quote_ident($2 || generation)) AND relkind = 'r'), 0)
FROM `+schema(s.group)+`.generation WHERE state = $1 ORDER BY generation`, Based, s.group+"_g")
	if err != nil {
		return nil, errors.Wrap(err, "read which bases there are")
	}
	list, err := collect(rows, "read which bases there are", func(b *Base) []any { return []any{&b.Number, &b.CatalogVersion, &b.At, &b.Bytes} })
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Offsets, err = s.BesideOffsets(ctx, list[i].Number); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Base is the base of that number, 0 for the latest. The error is ErrNoBase if
// there is none.
func (s *Store) Base(ctx context.Context, number int32) (*Base, error) {
	list, err := s.Bases(ctx)
	if err != nil {
		return nil, err
	}
	for i := len(list) - 1; i >= 0; i-- {
		if number == 0 || list[i].Number == number {
			return &list[i], nil
		}
	}
	return nil, s.noBase(ctx, number)
}

// noBase is ErrNoBase, with why a base is no more that was given up.
func (s *Store) noBase(ctx context.Context, number int32) error {
	var why string
	err := s.pool.QueryRow(ctx, `SELECT trouble FROM `+schema(s.group)+`.generation WHERE generation = $1 AND trouble = $2`, number, givenUp).Scan(&why)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNoBase
	case err != nil:
		return errors.Wrapf(err, "read what became of base %d", number)
	}
	return errors.Wrapf(ErrNoBase, "base %d was given up: %s", number, why)
}

// sameRules refuses a base whose rows were counted by other rules than a
// catalogue's: nobody could tell from them what these would have counted.
func (s *Store) sameRules(ctx context.Context, tx pgx.Tx, number int32, cat *catalog.Catalog) error {
	var version int32
	err := tx.QueryRow(ctx, `SELECT catalog_version FROM `+schema(s.group)+`.generation WHERE generation = $1 AND state = $2 FOR SHARE`, number, Based).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return errors.Wrapf(ErrNoBase, "base %d", number)
	}
	if err != nil {
		return errors.Wrapf(err, "read base %d", number)
	}
	stored, err := readCatalog(ctx, tx, s.group, version)
	if err != nil {
		return err
	}
	if stored.RulesHash != cat.RulesHash {
		return errors.Newf("base %d was counted by version %d of the catalogue, whose rules are others: fold the log from its beginning, or begin with a base that was taken under the same rules", number, version)
	}
	return nil
}

// DropBase gives up a base. One that a rebuild begins with stays until its rows
// are taken.
func (s *Store) DropBase(ctx context.Context, number int32) error {
	if gone, err := s.giveUpBase(ctx, number, ""); err != nil || gone {
		return err
	}
	if _, err := s.Base(ctx, number); err != nil {
		return errors.Wrapf(err, "drop base %d", number)
	}
	return errors.Newf("a rebuild is taking the rows of base %d: `badgestream rebuild status` shows it", number)
}
