package projections

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
)

// WriteUser makes the rows of a user in the live generation what they should
// be, in the transaction of a Standstill: folds that come later go on from
// there. have is what UserIn read in the same transaction.
func (s *Store) WriteUser(ctx context.Context, tx pgx.Tx, in Installed, cat *catalog.Catalog, have, want *UserState) error {
	err := writeUser(ctx, tx, generationSchema(s.group, in.Generation), in.Secret, cat, have, want)
	return errors.Wrapf(err, "write the rows of user %q", want.User)
}

// writeUser writes what differs. A row that the log does not give is deleted:
// nobody folds meanwhile, and who folds next finds it absent.
func writeUser(ctx context.Context, tx pgx.Tx, gen string, secret Secret, cat *catalog.Catalog, have, want *UserState) error {
	batch, key := &pgx.Batch{}, secret.UserKey(want.User)
	for table, rows := range map[string][2]map[int64]StoredRow{"member": {have.Members, want.Members}, "entity": {have.Things, want.Things}} {
		for k := range rows[0] {
			if _, stays := rows[1][k]; !stays {
				batch.Queue(`DELETE FROM `+gen+`.`+table+` WHERE user_key = $1 AND row_key = $2`, key, k)
			}
		}
		for k, r := range rows[1] {
			if was, there := rows[0][k]; there && was.same(r) {
				continue
			}
			if table == "member" {
				batch.Queue(`INSERT INTO `+gen+`.member (user_key, row_key, collection, state, prev, at) VALUES ($1, $2, $3, $4, 0, $5)
ON CONFLICT (user_key, row_key) DO UPDATE SET collection = excluded.collection, state = excluded.state, at = excluded.at`, key, k, r.Collection, r.State, instantOrNull(r.At))
				continue
			}
			batch.Queue(`INSERT INTO `+gen+`.entity (user_key, row_key, collection, state, prev, s0, s1, s2, s3) VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8)
ON CONFLICT (user_key, row_key) DO UPDATE SET collection = excluded.collection, state = excluded.state, s0 = excluded.s0, s1 = excluded.s1, s2 = excluded.s2, s3 = excluded.s3`,
				key, k, r.Collection, r.State, r.Sums[0], r.Sums[1], r.Sums[2], r.Sums[3])
		}
	}
	queueUser(batch, gen, cat, want)
	return tx.SendBatch(ctx, batch).Close()
}

func queueUser(batch *pgx.Batch, gen string, cat *catalog.Catalog, want *UserState) {
	if !want.Found {
		batch.Queue(`DELETE FROM `+gen+`.users WHERE id = $1`, want.User)
		return
	}
	held, earned := make([]int16, len(want.Held)), make([]time.Time, len(want.Held))
	for i, h := range want.Held {
		held[i], earned[i] = h.Badge, time.UnixMicro(h.At)
	}
	columns := slices.Concat([]string{"version", "due_at", "held", "earned_at"}, handColumns(), counterColumns(cat))
	args := []any{want.User, want.Version, instantOrNull(want.DueAt), held, earned}
	hand := want.ByHand
	if hand == nil {
		hand = &processor.ByHand{}
	}
	for _, badges := range [][]int16{hand.Granted, hand.Withheld, hand.Pins} {
		if len(badges) == 0 {
			badges = nil // as the fold has it
		}
		args = append(args, badges)
	}
	for _, n := range want.Counters {
		args = append(args, n)
	}
	values, sets := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		values[i], sets[i] = "$"+strconv.Itoa(i+2), c+" = excluded."+c
	}
	batch.Queue(`INSERT INTO `+gen+`.users (id, `+strings.Join(columns, ", ")+`) VALUES ($1, `+strings.Join(values, ", ")+`)
ON CONFLICT (id) DO UPDATE SET `+strings.Join(sets, ", "), args...)
}

// instantOrNull is a time of Unix microseconds, NULL for 0.
func instantOrNull(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	at := time.UnixMicro(micros)
	return &at
}

// RaiseEpochIn is RaiseEpoch within the transaction of a Standstill. All
// snapshots are then written anew by whoever runs.
func (s *Store) RaiseEpochIn(ctx context.Context, tx pgx.Tx, least int64) (r Regime, err error) {
	err = tx.QueryRow(ctx, `UPDATE `+schema(s.group)+`.regime SET epoch = greatest(epoch + 1, $1) RETURNING `+regimeColumns, least).Scan(r.into()...)
	return r, errors.Wrap(err, "raise the epoch")
}
