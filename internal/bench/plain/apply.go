package plain

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// award is what is published: at least once, as a crash between Postgres and
// Kafka loses or repeats it.
type award struct {
	User     string    `json:"user"`
	Badge    string    `json:"badge"`
	EarnedAt time.Time `json:"earned_at"`
}

const (
	markSeen     = `INSERT INTO seen VALUES ($1) ON CONFLICT DO NOTHING`
	addMember    = `INSERT INTO members VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	removeMember = `DELETE FROM members WHERE user_id = $1 AND counter = $2 AND member = $3`
	addToCounter = `INSERT INTO counters AS c VALUES ($1, $2, $3)
ON CONFLICT (user_id, counter) DO UPDATE SET value = c.value + excluded.value RETURNING value`
	giveBadges = `INSERT INTO awards SELECT $1, badge, $4 FROM badges WHERE counter = $2 AND threshold <= $3
ON CONFLICT DO NOTHING RETURNING badge`
)

// apply is one event, and one transaction.
func apply(ctx context.Context, pool *pgxpool.Pool, a *activity, changes []credit) (given []award, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, markSeen, a.id)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		for _, c := range changes {
			badges, err := c.apply(ctx, tx, a.at)
			if err != nil {
				return err
			}
			for _, badge := range badges {
				given = append(given, award{User: c.user, Badge: badge, EarnedAt: a.at})
			}
		}
		return nil
	})
	return given, errors.Wrapf(err, "apply event %s of type %s", a.id, a.kind)
}

// apply changes one counter, and gives the badges that this earns.
func (c *credit) apply(ctx context.Context, tx pgx.Tx, at time.Time) ([]string, error) {
	change, step := addMember, int64(1)
	if c.gone {
		change, step = removeMember, -1
	}
	tag, err := tx.Exec(ctx, change, c.user, c.counter, c.member)
	if err != nil || tag.RowsAffected() == 0 {
		return nil, err
	}
	var value int64
	if err := tx.QueryRow(ctx, addToCounter, c.user, c.counter, step).Scan(&value); err != nil {
		return nil, err
	}
	if c.gone {
		return nil, nil
	}
	rows, err := tx.Query(ctx, giveBadges, c.user, c.counter, value, at)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
