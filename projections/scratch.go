package projections

import (
	"context"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
)

// Scratched is a generation to look at, of a part of the log. Nobody folds it on,
// and it is never live.
const Scratched State = "scratch"

// Scratch is such a generation.
type Scratch struct {
	Generation int32     `json:"generation"`
	Schema     string    `json:"schema"`
	What       string    `json:"what"` // the part of the log
	At         time.Time `json:"at"`
}

// BeginScratch makes a generation to look at, by the catalogue as installed. at
// is the part of the log that will be folded into it, nil if its rows will be
// written. Migrate must have run.
func (s *Store) BeginScratch(ctx context.Context, in Installed, cat *catalog.Catalog, what string, at *Range) (*Scratch, error) {
	made := &Scratch{What: what}
	base := schema(s.group)
	err := s.locked(ctx, migrationLock, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			err := tx.QueryRow(ctx, `INSERT INTO `+base+`.generation (generation, state, catalog_version) SELECT max(generation) + 1, $1, $2 FROM `+base+`.generation RETURNING generation, requested_at`,
				Scratched, in.CatalogVersion).Scan(&made.Generation, &made.At)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO `+base+`.scratch VALUES ($1, $2)`, made.Generation, storable(what)); err != nil {
				return err
			}
			if at != nil {
				if _, err := tx.Exec(ctx, `INSERT INTO `+base+`.generation_offset (generation, topic, partition, begins, next) VALUES ($1, $2, $3, $4, $4)`,
					made.Generation, at.Topic, at.Partition, at.From.Offset); err != nil {
					return err
				}
			}
			_, err = tx.Exec(ctx, generationDDL(s.group, made.Generation, cat)+besideDDL(s.group, made.Generation))
			return err
		})
	})
	made.Schema = s.scratchSchema(made.Generation)
	return made, errors.Wrap(err, "make a scratch generation")
}

// Scratches are those that are there, by number.
func (s *Store) Scratches(ctx context.Context) ([]Scratch, error) {
	base := schema(s.group)
	rows, err := s.pool.Query(ctx, `SELECT generation, what, requested_at FROM `+base+`.generation JOIN `+base+`.scratch USING (generation) WHERE state = $1 ORDER BY 1`, Scratched)
	if err != nil {
		return nil, errors.Wrap(err, "list the scratch generations")
	}
	list, err := collect(rows, "list the scratch generations", func(x *Scratch) []any { return []any{&x.Generation, &x.What, &x.At} })
	for i := range list {
		list[i].Schema = s.scratchSchema(list[i].Generation)
	}
	return list, err
}

// scratchSchema is a generation's schema, as Postgres lists it.
func (s *Store) scratchSchema(generation int32) string {
	return s.group + "_g" + strconv.Itoa(int(generation))
}

// DropScratch removes a scratch generation with its tables.
func (s *Store) DropScratch(ctx context.Context, generation int32) error {
	tag, err := s.pool.Exec(ctx, `UPDATE `+schema(s.group)+`.generation SET state = $2, ended_at = now() WHERE generation = $1 AND state = $3`, generation, Cancelled, Scratched)
	if err == nil && tag.RowsAffected() == 0 {
		err = errors.New("there is none: `badgestream replay list` shows those that are there")
	}
	if err != nil {
		return errors.Wrapf(err, "drop scratch generation %d", generation)
	}
	return s.SweepGenerations(ctx)
}

// WriteScratch writes a user's rows into a scratch generation, and the badges
// that came and went: their ordinals count the user's own alone.
func (s *Store) WriteScratch(ctx context.Context, in Installed, cat *catalog.Catalog, generation int32, want *UserState, changes []processor.Change) error {
	gen := generationSchema(s.group, generation)
	f := s.newFolder(in, cat, "badgestream replay")
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := writeUser(ctx, tx, gen, in.Secret, cat, &UserState{}, want); err != nil {
			return err
		}
		batch, last, n := &pgx.Batch{}, processor.Source{}, int64(0)
		for i := range changes {
			if changes[i].Source != last {
				last, n = changes[i].Source, 0
			}
			h := f.historyRow(&changes[i], "activity")
			h.Ordinal = n
			n++
			batch.Queue(`INSERT INTO `+gen+`.history (topic, partition, "offset", ordinal, user_id, badge, category, criterion, tier, revoked, at, earned_at, event_id, event_source, counters, user_version, catalog_version, reason, generation)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
				h.Topic, h.Partition, h.Offset, h.Ordinal, h.User, h.Badge, h.Category, h.Criterion, h.Tier, h.Revoked, time.UnixMicro(h.At), time.UnixMicro(h.EarnedAt),
				h.EventID, h.EventSource, string(h.Counters.Append(nil)), h.Version, h.CatalogVersion, string(h.Reason), generation)
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	return errors.Wrapf(err, "write user %q into scratch generation %d", want.User, generation)
}

// CountUsers is how many users have a row in a generation.
func (s *Store) CountUsers(ctx context.Context, generation int32) (n int64, err error) {
	err = s.pool.QueryRow(ctx, `SELECT count(*) FROM `+generationSchema(s.group, generation)+`.users`).Scan(&n)
	return n, errors.Wrap(err, "count users")
}
