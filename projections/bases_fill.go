package projections

import (
	"context"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// FillFromBase writes the rows of its base into a generation that was begun with
// one, all or none. The error is ErrNotBeside if it was given up meanwhile.
func (s *Store) FillFromBase(ctx context.Context, generation, number int32) error {
	base := schema(s.group)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		for _, setting := range []string{`statement_timeout = 0`, `work_mem = '128MB'`, `synchronous_commit = off`} {
			if _, err := tx.Exec(ctx, `SET LOCAL `+setting); err != nil {
				return err
			}
		}
		// The tables have rows of their own where there must be one.
		if _, err := tx.Exec(ctx, `DELETE FROM `+generationSchema(s.group, generation)+`.clock`); err != nil {
			return err
		}
		for _, table := range append(baseTables(), "history") {
			if err := s.fillTable(ctx, tx, generation, number, table); err != nil {
				return errors.Wrapf(err, "fill table %s", table)
			}
		}
		tag, err := tx.Exec(ctx, `UPDATE `+base+`.generation SET base_taken = true WHERE generation = $1 AND base = $2 AND NOT base_taken AND state = $3`, generation, number, Building)
		if err == nil && tag.RowsAffected() == 0 {
			err = ErrNotBeside
		}
		return err
	})
	return errors.Wrapf(err, "begin generation %d with base %d", generation, number)
}

// fillTable copies by the names of the columns, whose order may have changed, and
// in the order of the table's index, if it has one, which then grows at one end.
func (s *Store) fillTable(ctx context.Context, tx pgx.Tx, generation, number int32, table string) error {
	from, into := generationSchema(s.group, number)+"."+table, generationSchema(s.group, generation)+"."+table
	rows, err := tx.Query(ctx, `SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, from)
	if err != nil {
		return err
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	order := map[string]string{"users": ` ORDER BY id COLLATE "C"`}[table]
	list := strings.Join(columns, ", ")
	_, err = tx.Exec(ctx, `INSERT INTO `+into+` (`+list+`) SELECT `+list+` FROM `+from+order)
	return err
}
