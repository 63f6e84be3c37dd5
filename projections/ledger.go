package projections

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

const ledgerColumns = `number, topic, partition, from_offset, from_step, from_ordinal, to_offset, to_step, to_ordinal, due, catalog_version`

// LedgerAfter returns up to limit rows of the ledger with a number above that
// given, by number. A row of a lower number may still be committed after one
// of a higher: who follows the ledger asks LedgerFrom for each partition.
func (s *Store) LedgerAfter(ctx context.Context, number int64, limit int) ([]LedgerRow, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+ledgerColumns+` FROM `+schema(s.group)+`.ledger WHERE number > $1 ORDER BY number LIMIT $2`, number, limit)
	if err != nil {
		return nil, errors.Wrapf(err, "read the ledger after %d", number)
	}
	list, err := pgx.CollectRows(rows, scanLedger)
	return list, errors.Wrapf(err, "read the ledger after %d", number)
}

// LedgerBetween returns the rows of the ledger with a number above one and below
// another, by number.
func (s *Store) LedgerBetween(ctx context.Context, above, below int64) ([]LedgerRow, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+ledgerColumns+` FROM `+schema(s.group)+`.ledger WHERE number > $1 AND number < $2 ORDER BY number`, above, below)
	if err != nil {
		return nil, errors.Wrapf(err, "read the ledger between %d and %d", above, below)
	}
	list, err := pgx.CollectRows(rows, scanLedger)
	return list, errors.Wrapf(err, "read the ledger between %d and %d", above, below)
}

// LedgerFrom returns up to limit rows of a partition's ledger that begin at a
// position or after it, in the partition's order.
func (s *Store) LedgerFrom(ctx context.Context, p TopicPartition, from Position, limit int) ([]LedgerRow, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+ledgerColumns+` FROM `+schema(s.group)+`.ledger
WHERE topic = $1 AND partition = $2 AND (from_offset, from_step) >= ($3, $4) ORDER BY from_offset, from_step LIMIT $5`,
		p.Topic, p.Partition, from.Offset, from.Step, limit)
	if err != nil {
		return nil, errors.Wrapf(err, "read the ledger of %s/%d from %d", p.Topic, p.Partition, from.Offset)
	}
	list, err := pgx.CollectRows(rows, scanLedger)
	return list, errors.Wrapf(err, "read the ledger of %s/%d from %d", p.Topic, p.Partition, from.Offset)
}

// LedgerRange returns the rows of a partition's ledger that touch the offsets
// from one up to another (that excluded), in order: those whose transactions
// gave the badge events of these offsets.
func (s *Store) LedgerRange(ctx context.Context, p TopicPartition, from, to int64) ([]LedgerRow, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+ledgerColumns+` FROM `+schema(s.group)+`.ledger
WHERE topic = $1 AND partition = $2 AND from_offset < $4 AND (to_offset > $3 OR to_offset = $3 AND to_step > 0)
ORDER BY from_offset, from_step`, p.Topic, p.Partition, from, to)
	if err != nil {
		return nil, errors.Wrapf(err, "read the ledger of %s/%d from %d to %d", p.Topic, p.Partition, from, to)
	}
	list, err := pgx.CollectRows(rows, scanLedger)
	return list, errors.Wrapf(err, "read the ledger of %s/%d from %d to %d", p.Topic, p.Partition, from, to)
}

// NumberFrom makes n the least number that rows of the ledger draw from now on.
// It is for a restored database, which has forgotten the numbers that it gave:
// none must be given twice.
func (s *Store) NumberFrom(ctx context.Context, n int64) error {
	sequence := schema(s.group) + ".ledger_number"
	_, err := s.pool.Exec(ctx, `SELECT setval($1::text::regclass, $2, false) FROM `+sequence+` WHERE last_value + is_called::int < $2`, sequence, n)
	return errors.Wrapf(err, "number the ledger from %d", n)
}

func scanLedger(row pgx.CollectableRow) (r LedgerRow, err error) {
	err = row.Scan(&r.Number, &r.Topic, &r.Partition, &r.From.Offset, &r.From.Step, &r.From.Ordinal,
		&r.To.Offset, &r.To.Step, &r.To.Ordinal, &r.Due, &r.CatalogVersion)
	return r, err
}
