package projections

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// standstill bounds how long everybody may be made to wait.
const standstill = 8 * time.Second

// Standstill keeps all folds of the live generation out, calls f, and lets them
// go on. The transaction is the one that keeps them out; f may change the regime
// in it. It commits if f returns nil.
func (s *Store) Standstill(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*standstill)
	defer cancel()
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		// Whoever dies with the lock must not keep the folds out for long.
		if _, err := tx.Exec(ctx, `SELECT set_config('idle_in_transaction_session_timeout', $1, true), set_config('lock_timeout', $1, true)`, milliseconds(standstill)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `LOCK TABLE `+schema(s.group)+`.regime IN EXCLUSIVE MODE`); err != nil {
			return err
		}
		still, cancel := context.WithTimeout(ctx, standstill)
		defer cancel()
		return f(still, tx)
	})
	return errors.Wrap(err, "keep folds out")
}

// Moment is one moment of the tables, which does not change.
type Moment struct {
	tx    pgx.Tx
	group string
}

// Moment begins to look at the tables as they are now. It must be closed.
func (s *Store) Moment(ctx context.Context) (*Moment, error) {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, errors.Wrap(err, "look at one moment of the tables")
	}
	// The first statement is what the moment is of. Texts of times must not
	// depend on who asks.
	_, err = tx.Exec(ctx, `SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO', true), set_config('work_mem', '64MB', true)`)
	m := &Moment{tx: tx, group: s.group}
	if err != nil {
		m.Close(ctx)
		return nil, errors.Wrap(err, "look at one moment of the tables")
	}
	return m, nil
}

// Close lets go of the moment.
func (m *Moment) Close(ctx context.Context) {
	// It wrote nothing: there is nothing to lose.
	_ = m.tx.Rollback(context.WithoutCancel(ctx))
}
