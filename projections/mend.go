package projections

import (
	"context"
	"fmt"

	"github.com/badgestream/badgestream/processor"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Mending is what shall become of a drifted row. What is nil stays.
type Mending struct {
	Counters map[int]int64 // by the counter's index
	Held     []processor.Held
	SetHeld  bool
	DueAt    *int64 // Unix microseconds, 0 for none
}

// ErrNotMended says that a row would still drift after all that can be done
// without the log. It stays as it was.
var ErrNotMended = errors.New("it cannot be told without the log what the row should be")

// Mend makes a user's row right in one transaction, or with dry set finds out
// whether it could, and changes nothing. decide says what to do about the row as
// it stands then, and is asked again after each change, until it returns nothing
// or the row drifts no more.
//
// The row is locked as a fold locks it, and is looked at in a later statement:
// folds that have touched its members have ended by then, or add to the row
// afterwards what they have done. Its version stays: it is what the fold would
// have made.
func (d *Drift) Mend(ctx context.Context, user string, dry bool, decide func(*DriftRow) *Mending) error {
	err := pgx.BeginTxFunc(ctx, d.conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := d.lock(ctx, tx, user); err != nil {
			return err
		}
		for range maxMendings {
			row, err := d.one(ctx, tx, user)
			if err != nil {
				return err
			}
			if row == nil {
				if dry {
					return errDry
				}
				return nil
			}
			m := decide(row)
			if m == nil {
				return ErrNotMended
			}
			if err := d.mend(ctx, tx, user, m); err != nil {
				return err
			}
		}
		return ErrNotMended
	})
	if errors.Is(err, errDry) {
		return nil
	}
	return errors.Wrapf(err, "mend the row of user %q", user)
}

// errDry rolls back what was only tried.
var errDry = errors.New("a dry run")

const maxMendings = 4

// lock takes what a fold of the user's events would take, in its order.
func (d *Drift) lock(ctx context.Context, tx pgx.Tx, user string) error {
	base, gen := schema(d.store.group), generationSchema(d.store.group, d.in.Generation)
	if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '`+milliseconds(lockWait)+`'`); err != nil {
		return err
	}
	var now Regime
	if err := tx.QueryRow(ctx, `SELECT `+regimeColumns+` FROM `+base+`.regime FOR SHARE`).Scan(now.into()...); err != nil {
		return err
	}
	if now != d.in.Regime {
		return &RegimeChanged{Expected: d.in.Regime, Found: now}
	}
	if _, err := tx.Exec(ctx, `SELECT at FROM `+gen+`.clock FOR SHARE`); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `SELECT FROM `+gen+`.users WHERE id = $1 FOR UPDATE`, user)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrNotMended // a row that is gone is not made up
	}
	return err
}

func (d *Drift) one(ctx context.Context, tx pgx.Tx, user string) (*DriftRow, error) {
	rows, err := tx.Query(ctx, d.sql.one, user, user, d.in.Secret[:])
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, d.scan)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

func (d *Drift) mend(ctx context.Context, tx pgx.Tx, user string, m *Mending) error {
	users := generationSchema(d.store.group, d.in.Generation) + ".users"
	for c, n := range m.Counters {
		if _, err := tx.Exec(ctx, fmt.Sprintf(`UPDATE %s SET %s = $2 WHERE id = $1`, users, counterColumn(&d.cat.Counters[c])), user, n); err != nil {
			return err
		}
	}
	if m.SetHeld {
		held, earned := make([]int16, len(m.Held)), make([]int64, len(m.Held))
		for i, h := range m.Held {
			held[i], earned[i] = h.Badge, h.At
		}
		if _, err := tx.Exec(ctx, `UPDATE `+users+` SET held = $2, earned_at = ARRAY(SELECT timestamptz 'epoch' + n * interval '1 microsecond' FROM unnest($3::bigint[]) WITH ORDINALITY x (n, i) ORDER BY i) WHERE id = $1`, user, held, earned); err != nil {
			return err
		}
	}
	if m.DueAt != nil {
		if _, err := tx.Exec(ctx, `UPDATE `+users+` SET due_at = CASE WHEN $2::bigint <> 0 THEN timestamptz 'epoch' + $2::bigint * interval '1 microsecond' END WHERE id = $1`, user, *m.DueAt); err != nil {
			return err
		}
	}
	return nil
}
