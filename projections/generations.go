package projections

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"
)

// State is what is done with a generation.
type State string

// The states.
const (
	// Building: it is folded from its beginning and has not caught up.
	Building State = "building"
	// Following: it has caught up and stays close behind the live one.
	Following State = "following"
	// Live: readers see it.
	Live State = "live"
	// Cancelled and Retired: its rows are gone.
	Cancelled State = "cancelled"
	Retired   State = "retired"
)

// Beside reports whether a generation is folded beside the live one.
func (s State) Beside() bool { return s == Building || s == Following }

// Generation is one complete set of rows, and what is done with it.
type Generation struct {
	Number         int32
	State          State
	CatalogVersion int32   // whose rules it is folded by
	MaxRate        int     // the most records a second; 0 is no limit
	Rate           float64 // records a second, lately
	Folded         int64   // offsets, with those not committed, when the rate was noted
	Trouble        string  // why nobody can fold it on; empty if somebody can
	Lived          bool    // readers saw it once
	// Base is the base that it begins with, 0 for none, and BaseTaken says that it
	// has its rows.
	Base        int32
	BaseTaken   bool
	RequestedAt time.Time
	// Worked says that somebody worked on it within the last seconds.
	Worked bool
	// FollowedAt is when it had first caught up, EndedAt when it was cancelled or
	// retired; nil before that.
	FollowedAt, EndedAt *time.Time
}

// BesideOffset is how far a generation beside the live one is folded.
type BesideOffset struct {
	TopicPartition
	// Begins is the first offset that was ever folded.
	Begins int64
	Position
}

// ErrBesideTaken says that a generation is folded beside the live one already.
var ErrBesideTaken = errors.New("another generation is folded beside the live one already: there is one rebuild at a time")

// ErrNoneBeside says that no generation is folded beside the live one.
var ErrNoneBeside = errors.New("no generation is folded beside the live one: `badgestream rebuild start` begins one")

// ErrWrittenTwice says that a generation has a row twice, which no crash explains.
var ErrWrittenTwice = errors.New("a row was written twice, so this generation is wrong: give it up with `badgestream rebuild cancel`, and report this")

const uniqueViolation = "23505"

// Rebuild is what a generation beside the live one shall be.
type Rebuild struct {
	// Catalog is the catalogue whose rules it is folded by; nil: those that hold.
	Catalog *catalog.Catalog
	// MaxRate is the most records a second; 0 is no limit.
	MaxRate int
	// From is where each partition begins: where folding began, or what Base stands
	// at, or what somebody wants to see.
	From []BesideOffset
	// Base is the base that it begins with, 0 for none. It must have been counted by
	// the same rules.
	Base int32
}

// BeginGeneration asks for a new generation beside the live one: it makes its
// tables, empty. Whoever runs folds it. The error is ErrBesideTaken if there is
// one. Migrate must have run.
func (s *Store) BeginGeneration(ctx context.Context, r *Rebuild) (number int32, err error) {
	err = s.locked(ctx, migrationLock, func(conn *pgx.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			number, err = s.beginGeneration(ctx, tx, r)
			return err
		})
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == uniqueViolation && pg.ConstraintName == "generation_beside" {
		return 0, ErrBesideTaken
	}
	return number, errors.Wrap(err, "begin a generation")
}

func (s *Store) beginGeneration(ctx context.Context, tx pgx.Tx, r *Rebuild) (number int32, err error) {
	base := schema(s.group)
	cat, version, err := s.rebuildCatalog(ctx, tx, r.Catalog)
	if err != nil {
		return 0, err
	}
	if r.Base != 0 {
		if err := s.sameRules(ctx, tx, r.Base, cat); err != nil {
			return 0, err
		}
	}
	err = tx.QueryRow(ctx, `INSERT INTO `+base+`.generation (generation, state, catalog_version, max_rate, base)
SELECT max(generation) + 1, $1, $2, $3, nullif($4, 0) FROM `+base+`.generation RETURNING generation`, Building, version, r.MaxRate, r.Base).Scan(&number)
	if err != nil {
		return 0, errors.Wrap(err, "note the generation")
	}
	if _, err := tx.Exec(ctx, generationDDL(s.group, number, cat)+buildingDDL(s.group, number)); err != nil {
		return 0, errors.Wrapf(err, "make generation %d", number)
	}
	for _, o := range r.From {
		if _, err := tx.Exec(ctx, `INSERT INTO `+base+`.generation_offset (generation, topic, partition, begins, next, step, ordinal) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			number, o.Topic, o.Partition, o.Begins, o.Offset, o.Step, o.Ordinal); err != nil {
			return 0, errors.Wrapf(err, "note where %s/%d begins", o.Topic, o.Partition)
		}
	}
	return number, nil
}

// rebuildCatalog is the catalogue to fold by: the one given, which is stored if
// its text is not that of the one that holds, or the one that holds.
func (s *Store) rebuildCatalog(ctx context.Context, tx pgx.Tx, given *catalog.Catalog) (*catalog.Catalog, int32, error) {
	var version int32
	if err := tx.QueryRow(ctx, `SELECT catalog_version FROM `+schema(s.group)+`.regime`).Scan(&version); err != nil {
		return nil, 0, errors.Wrap(err, "read the regime")
	}
	stored, err := readCatalog(ctx, tx, s.group, version)
	if err != nil {
		return nil, 0, err
	}
	if given == nil || string(given.Text) == stored.Text {
		cat, err := stored.Parse()
		return cat, version, err
	}
	if err := checkColumns(given); err != nil {
		return nil, 0, err
	}
	if version, err = s.nextCatalogVersion(ctx, tx); err != nil {
		return nil, 0, err
	}
	return given, version, s.addCatalog(ctx, tx, given, version)
}

// Parse compiles a stored catalogue.
func (c *StoredCatalog) Parse() (*catalog.Catalog, error) {
	cat, err := catalog.Parse(c.Name, []byte(c.Text))
	return cat, errors.Wrapf(err, "version %d of the stored catalogue cannot be read by this badgestream", c.Version)
}

// Generations lists all generations there ever were, by number. A group of an
// earlier version of the tables has none.
func (s *Store) Generations(ctx context.Context) ([]Generation, error) {
	rows, err := s.pool.Query(ctx, `SELECT generation, state, catalog_version, max_rate, rate, trouble, lived, requested_at,
coalesce(worked_at > now() - interval '5 s', false), followed_at, ended_at, coalesce(base, 0), base_taken, folded FROM `+schema(s.group)+`.generation ORDER BY generation`)
	if err != nil {
		return nil, errors.Wrap(err, "read the generations")
	}
	list, err := pgx.CollectRows(rows, scanGeneration)
	if missing(err) {
		return nil, nil
	}
	return list, errors.Wrap(err, "read the generations")
}

func scanGeneration(row pgx.CollectableRow) (g Generation, err error) {
	err = row.Scan(&g.Number, &g.State, &g.CatalogVersion, &g.MaxRate, &g.Rate, &g.Trouble, &g.Lived, &g.RequestedAt, &g.Worked, &g.FollowedAt, &g.EndedAt, &g.Base, &g.BaseTaken, &g.Folded)
	return g, err
}

// Beside is the generation that is folded beside the live one. The error is
// ErrNoneBeside if there is none.
func (s *Store) Beside(ctx context.Context) (Generation, error) {
	list, err := s.Generations(ctx)
	if err != nil {
		return Generation{}, err
	}
	for _, g := range list {
		if g.State.Beside() {
			return g, nil
		}
	}
	return Generation{}, ErrNoneBeside
}

// BesideOffsets are how far a generation is folded, by topic and partition.
func (s *Store) BesideOffsets(ctx context.Context, generation int32) ([]BesideOffset, error) {
	rows, err := s.pool.Query(ctx, `SELECT topic, partition, begins, next, step, ordinal FROM `+schema(s.group)+`.generation_offset
WHERE generation = $1 ORDER BY topic, partition`, generation)
	if err != nil {
		return nil, errors.Wrapf(err, "read how far generation %d is", generation)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o BesideOffset, err error) {
		err = row.Scan(&o.Topic, &o.Partition, &o.Begins, &o.Offset, &o.Step, &o.Ordinal)
		return o, err
	})
	return list, errors.Wrapf(err, "read how far generation %d is", generation)
}

// ReportRate notes how fast a generation gets on, that somebody works on it, and
// how many offsets are folded, also if that is not committed.
func (s *Store) ReportRate(ctx context.Context, generation int32, rate float64, folded int64) error {
	_, err := s.pool.Exec(ctx, `UPDATE `+schema(s.group)+`.generation SET rate = $2, folded = $3, worked_at = now(), trouble = '' WHERE generation = $1`, generation, rate, folded)
	return errors.Wrapf(err, "note how fast generation %d gets on", generation)
}

// ReportTrouble notes why nobody can fold a generation on.
func (s *Store) ReportTrouble(ctx context.Context, generation int32, trouble string) error {
	_, err := s.pool.Exec(ctx, `UPDATE `+schema(s.group)+`.generation SET rate = 0, trouble = $2 WHERE generation = $1`, generation, storable(trouble))
	return errors.Wrapf(err, "note the trouble with generation %d", generation)
}

// Drop ends a generation beside the live one: it is folded no further, and its
// tables go. state is Cancelled or Retired.
func (s *Store) Drop(ctx context.Context, generation int32, state State) error {
	err := s.locked(ctx, migrationLock, func(conn *pgx.Conn) error {
		// Who folds it holds the row. From here on nobody begins to.
		tag, err := conn.Exec(ctx, `UPDATE `+schema(s.group)+`.generation SET state = $2, ended_at = now(), rate = 0
WHERE generation = $1 AND state IN ('building', 'following')`, generation, state)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrNoneBeside
		}
		return nil
	})
	if err != nil {
		return errors.Wrapf(err, "end generation %d", generation)
	}
	return s.SweepGenerations(ctx)
}

// SweepGenerations drops the tables of generations that have ended: it repeats
// what a Drop that was killed had left.
func (s *Store) SweepGenerations(ctx context.Context) error {
	list, err := s.Generations(ctx)
	if err != nil {
		return err
	}
	for _, g := range list {
		if g.State != Cancelled && g.State != Retired {
			continue
		}
		if _, err := s.pool.Exec(ctx, `DROP SCHEMA IF EXISTS `+generationSchema(s.group, g.Number)+` CASCADE`); err != nil {
			return errors.Wrapf(err, "drop the tables of generation %d", g.Number)
		}
	}
	return nil
}

// Followed notes that a generation has caught up with the live one. It makes the
// indexes that were not needed until then, as MakeIndexes does.
func (s *Store) Followed(ctx context.Context, generation int32, cores int) error {
	if err := s.MakeIndexes(ctx, generation, cores); err != nil {
		return err
	}
	_, err := s.pool.Exec(ctx, `UPDATE `+schema(s.group)+`.generation SET state = 'following', followed_at = now() WHERE generation = $1 AND state = 'building'`, generation)
	return errors.Wrapf(err, "note that generation %d has caught up", generation)
}

// MakeIndexes makes the indexes that a generation lacks while it is built. It takes
// so many of Postgres's cores: with one, Postgres has no others help either. The
// error is ErrWrittenTwice if they find such a row.
func (s *Store) MakeIndexes(ctx context.Context, generation int32, cores int) error {
	making, together := errgroup.WithContext(ctx)
	making.SetLimit(cores)
	alone := ""
	if cores == 1 {
		alone = `SET LOCAL max_parallel_maintenance_workers = 0; `
	}
	for _, sql := range lateIndexes(s.group, generation) {
		making.Go(func() error {
			_, err := s.pool.Exec(together, alone+sql)
			return err
		})
	}
	err := making.Wait()
	for _, table := range []string{"member", "entity"} {
		if err == nil {
			_, err = s.pool.Exec(ctx, primaryKey(generationSchema(s.group, generation), table))
		}
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == uniqueViolation {
		err = errors.Wrap(ErrWrittenTwice, pg.Detail)
	}
	return errors.Wrapf(err, "make the indexes of generation %d", generation)
}

// Folded is how many offsets the live generation has passed, in all partitions.
func (s *Store) Folded(ctx context.Context) (n int64, err error) {
	err = s.pool.QueryRow(ctx, `SELECT coalesce(sum(next), 0)::bigint FROM `+schema(s.group)+`.fold_offset`).Scan(&n)
	return n, errors.Wrap(err, "read how far the live generation is")
}
