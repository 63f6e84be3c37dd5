package projections

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/schemas"
)

// Erasing is a record of the control topic that erases users, about to be
// folded.
type Erasing struct {
	schemas.Erasure
	Place
	At int64 // Unix microseconds
	// Number is that of the ledger's row, 0 for the next.
	Number int64
	// Event says where the badge event of a row of the history is on the award
	// topic.
	Event func(*HistoryRow) (key string, partition int32)
}

// AskErasure remembers whose hash is whose, until nothing of them is left.
func (s *Store) AskErasure(ctx context.Context, users map[schemas.UserHash]string) error {
	batch := &pgx.Batch{}
	for h, id := range users {
		batch.Queue(`INSERT INTO `+schema(s.group)+`.erasing (user_hash, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, h[:], id)
	}
	return errors.Wrap(s.pool.SendBatch(ctx, batch).Close(), "remember whom to erase")
}

// Erase folds a record that erases users, by itself: what others see of them
// goes at once, and who folds from then on passes them over. Folds wait
// meanwhile. The rest is EraseRest's.
//
// The error is ErrStale if the partition does not stand at the record.
func (s *Store) Erase(ctx context.Context, in Installed, w *Erasing) error {
	ids, err := s.erasing(ctx, in, w.Users)
	if err != nil {
		return err
	}
	err = s.Standstill(ctx, func(ctx context.Context, tx pgx.Tx) error { return s.erase(ctx, tx, in, w, ids) })
	return errors.Wrapf(err, "erase %d users", len(w.Users))
}

func (s *Store) erase(ctx context.Context, tx pgx.Tx, in Installed, w *Erasing, ids []string) error {
	base, gen := schema(s.group), generationSchema(s.group, in.Generation)
	now, err := readRegime(ctx, tx, s.group)
	if err != nil {
		return err
	}
	if now != in.Regime {
		return &RegimeChanged{Expected: in.Regime, Found: now}
	}
	tag, err := tx.Exec(ctx, `UPDATE `+base+`.fold_offset SET next = $3 + 1 WHERE topic = $1 AND partition = $2 AND next = $3 AND step = 0`, w.Topic, w.Partition, w.Offset)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return ErrStale
	}
	if err := s.entomb(ctx, tx, in, w, ids); err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, h := range w.Users {
		batch.Queue(`INSERT INTO `+base+`.erasure (user_hash, topic, partition, "offset", by, reason, at, until, removed)
SELECT $1, $2, $3, $4, $5, $6, $7, jsonb_object_agg(topic || '/' || partition, next + least(step, 1)),
jsonb_build_object('badge_events', (SELECT count(*) FROM `+base+`.tombstone WHERE user_hash = $1)) FROM `+base+`.fold_offset ON CONFLICT DO NOTHING`,
			h[:], w.Topic, w.Partition, w.Offset, w.By, w.Reason, time.UnixMicro(w.At))
	}
	for _, table := range []string{base + `.history`, base + `.decision`, base + `.kept`} {
		batch.Queue(`DELETE FROM `+table+` WHERE user_id = ANY($1)`, ids)
	}
	batch.Queue(`DELETE FROM `+gen+`.users WHERE id = ANY($1)`, ids)
	batch.Queue(`DELETE FROM ` + base + `.erasing x USING ` + base + `.erasure e WHERE x.user_hash = e.user_hash AND e.done_at IS NOT NULL`)
	batch.Queue(`UPDATE ` + base + `.regime SET erasures = erasures + 1`)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	// The ledger's number comes last.
	number, args := `nextval('`+base+`.ledger_number')`, []any{w.Topic, w.Partition, w.Offset, in.CatalogVersion}
	if w.Number != 0 {
		number, args = `$5`, append(args, w.Number)
	}
	_, err = tx.Exec(ctx, `INSERT INTO `+base+`.ledger (topic, partition, from_offset, from_step, from_ordinal, to_offset, to_step, to_ordinal, due, catalog_version, number)
VALUES ($1, $2, $3::bigint, 0, 0, $3::bigint + 1, 0, 0, 0, $4, `+number+`)`, args...)
	return err
}

// entomb notes which badge events the award topic has to forget, and counts what
// is about to go.
func (s *Store) entomb(ctx context.Context, tx pgx.Tx, in Installed, w *Erasing, ids []string) error {
	rows, err := tx.Query(ctx, `SELECT `+historyColumns+` FROM `+schema(s.group)+`.history WHERE user_id = ANY($1)`, ids)
	if err != nil {
		return err
	}
	history, err := pgx.CollectRows(rows, func(pgx.CollectableRow) (*HistoryRow, error) { return scanHistory(rows) })
	if err != nil {
		return err
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{s.group, "tombstone"}, []string{"user_hash", "key", "partition"},
		pgx.CopyFromSlice(len(history), func(i int) ([]any, error) {
			h := schemas.HashUser(in.Secret, history[i].User)
			key, partition := w.Event(history[i])
			return []any{h[:], key, partition}, nil
		}))
	return err
}

// erasing are the ids of users who are about to be erased. Of whom nobody asked
// here, as Postgres was restored to before that, the row is searched for.
func (s *Store) erasing(ctx context.Context, in Installed, users []schemas.UserHash) ([]string, error) {
	base := schema(s.group)
	hashes := make([][]byte, len(users))
	for i := range users {
		hashes[i] = users[i][:]
	}
	var missing int
	if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM unnest($1::bytea[]) h (user_hash) WHERE NOT EXISTS (SELECT FROM `+base+`.erasing x WHERE x.user_hash = h.user_hash)`, hashes).Scan(&missing); err != nil {
		return nil, errors.Wrap(err, "read whom to erase")
	}
	if missing > 0 {
		_, err := s.pool.Exec(ctx, `INSERT INTO `+base+`.erasing (user_hash, user_id) SELECT `+userHash(base)+`, id FROM `+generationSchema(s.group, in.Generation)+`.users
WHERE `+userHash(base)+` = ANY($1) ON CONFLICT DO NOTHING`, hashes)
		if err != nil {
			return nil, errors.Wrap(err, "search for whom to erase")
		}
	}
	rows, err := s.pool.Query(ctx, `SELECT user_id FROM `+base+`.erasing WHERE user_hash = ANY($1)`, hashes)
	if err != nil {
		return nil, errors.Wrap(err, "read whom to erase")
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, errors.Wrap(err, "read whom to erase")
}

// userHash is schemas.HashUser of the column id, in SQL.
func userHash(base string) string {
	return `substr(sha256(uuid_send((SELECT secret FROM ` + base + `.regime)) || 'u'::bytea || convert_to(id, 'UTF8')), 1, 16)`
}
