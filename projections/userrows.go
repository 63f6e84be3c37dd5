package projections

import (
	"context"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Users reads users' rows of one generation, as one catalogue has them. It may
// be used by several goroutines.
type Users struct {
	store   *Store
	cat     *catalog.Catalog
	gen     string
	columns string
}

// Users returns a reader of the rows of the live generation.
func (s *Store) Users(in Installed, cat *catalog.Catalog) *Users {
	columns := slices.Concat([]string{"id"}, rowColumns(), counterColumns(cat))
	return &Users{store: s, cat: cat, gen: generationSchema(s.group, in.Generation), columns: strings.Join(columns, ", ")}
}

// After returns up to limit users whose ids come after the one given, by id.
// Each row is of one moment, also if folds go on: counters, version and badges
// belong together.
func (u *Users) After(ctx context.Context, id string, limit int) ([]processor.Final, error) {
	rows, err := u.store.pool.Query(ctx, `SELECT `+u.columns+` FROM `+u.gen+`.users WHERE id > $1 ORDER BY id LIMIT $2`, inBinary(), id, limit)
	if err != nil {
		return nil, errors.Wrapf(err, "read users after %q", id)
	}
	list, err := pgx.CollectRows(rows, u.scan)
	return list, errors.Wrapf(err, "read users after %q", id)
}

// Of returns the rows of the users given, by id. Who has no row is not among
// them.
func (u *Users) Of(ctx context.Context, ids ...string) ([]processor.Final, error) {
	// What Postgres cannot hold is nobody's id.
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return storable(id) != id })
	rows, err := u.store.pool.Query(ctx, `SELECT `+u.columns+` FROM `+u.gen+`.users WHERE id = ANY($1) ORDER BY id`, inBinary(), ids)
	if err != nil {
		return nil, errors.Wrapf(err, "read %d users", len(ids))
	}
	list, err := pgx.CollectRows(rows, u.scan)
	return list, errors.Wrapf(err, "read %d users", len(ids))
}

// Count is how many users have a row.
func (u *Users) Count(ctx context.Context) (int64, error) {
	var n int64
	err := u.store.pool.QueryRow(ctx, `SELECT count(*) FROM `+u.gen+`.users`).Scan(&n)
	return n, errors.Wrap(err, "count users")
}

// Clock is the time of the latest tick in Unix microseconds, 0 before any.
func (u *Users) Clock(ctx context.Context) (int64, error) {
	var at *int64
	err := u.store.pool.QueryRow(ctx, `SELECT (extract(epoch FROM at) * 1000000)::bigint FROM `+u.gen+`.clock`).Scan(&at)
	if err != nil || at == nil {
		return 0, errors.Wrap(err, "read the clock")
	}
	return *at, nil
}

// inBinary asks for results in the format that the fold reads too.
func inBinary() pgx.QueryResultFormats { return pgx.QueryResultFormats{pgx.BinaryFormatCode} }

func (u *Users) scan(row pgx.CollectableRow) (processor.Final, error) {
	var a answers
	raw := row.RawValues()
	f := processor.Final{User: string(raw[0])}
	return f, a.readFinal(&f, raw[1:])
}
