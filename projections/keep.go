package projections

import (
	"context"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Keep folds a switch into a generation beside the live one: the users have the
// badges that they kept by it, as far as its catalogue knows them. Errors are as
// those of BesideFolder.Fold.
func (s *Store) Keep(ctx context.Context, generation int32, cat *catalog.Catalog, at Range, kept []KeptBadge) error {
	base, gen := schema(s.group), generationSchema(s.group, generation)
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		var state State
		if err := tx.QueryRow(ctx, `SELECT state FROM `+base+`.generation WHERE generation = $1 FOR SHARE`, generation).Scan(&state); err != nil {
			return err
		}
		if !state.Beside() {
			return ErrNotBeside
		}
		tag, err := tx.Exec(ctx, `UPDATE `+base+`.generation_offset SET next = $4, step = $5, ordinal = $6
WHERE generation = $1 AND topic = $2 AND partition = $3 AND next = $7 AND step = $8`, generation, at.Topic, at.Partition, at.To.Offset, at.To.Step, at.To.Ordinal, at.From.Offset, at.From.Step)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrStale
		}
		held, err := heldOf(ctx, tx, gen, cat, kept)
		if err != nil {
			return err
		}
		var updates []processor.HeldUpdate
		for i := range kept {
			k := &kept[i]
			if _, known := index(cat, k.Badge); !known {
				continue
			}
			if _, has := held[k.User][k.Badge]; has {
				continue
			}
			if held[k.User] == nil {
				held[k.User] = map[string]int64{}
			}
			held[k.User][k.Badge] = k.EarnedAt
			update := processor.HeldUpdate{User: k.User, Held: heldBy(cat, held[k.User])}
			if n := len(updates); n > 0 && updates[n-1].User == k.User {
				updates[n-1] = update
			} else {
				updates = append(updates, update)
			}
		}
		return writeHeld(ctx, tx, gen, updates)
	})
	return errors.Wrapf(err, "fold a switch into generation %d", generation)
}

// heldOf is what the users hold who kept something.
func heldOf(ctx context.Context, tx pgx.Tx, gen string, cat *catalog.Catalog, kept []KeptBadge) (map[string]map[string]int64, error) {
	users := make([]string, len(kept))
	for i := range kept {
		users[i] = kept[i].User
	}
	rows, err := tx.Query(ctx, `SELECT id, `+strings.Join(rowColumns(), ", ")+` FROM `+gen+`.users WHERE id = ANY($1)`, inBinary(), users)
	if err != nil {
		return nil, errors.Wrapf(err, "read what %d users hold", len(users))
	}
	found := map[string]map[string]int64{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var a answers
		raw := row.RawValues()
		f := processor.Final{User: string(raw[0])}
		if err := a.readFinal(&f, raw[1:]); err != nil {
			return struct{}{}, err
		}
		found[f.User] = map[string]int64{}
		for _, h := range f.Held {
			found[f.User][cat.Badges[cat.ByID[h.Badge]].Slug] = h.At
		}
		return struct{}{}, nil
	})
	return found, errors.Wrapf(err, "read what %d users hold", len(users))
}
