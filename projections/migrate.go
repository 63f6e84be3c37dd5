package projections

import (
	"context"
	"embed"
	"io/fs"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the second part of the advisory lock under which the
// group's tables are made and changed.
const migrationLock = 1

// Migrate brings the group's tables to this program's version, making the
// schema if there is none. It is safe to call from several processes at once.
func (s *Store) Migrate(ctx context.Context) error {
	return s.locked(ctx, migrationLock, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+schema(s.group)); err != nil {
			return errors.Wrapf(err, "make schema %s", schema(s.group))
		}
		return s.migrate(ctx)
	})
}

func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return errors.Wrap(err, "embedded migrations")
	}
	cfg := s.pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["search_path"] = schema(s.group)
	db := stdlib.OpenDB(*cfg)
	defer func() { _ = db.Close() }() // what it was for is done, or has failed already
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName("schema_version"))
	if err != nil {
		return errors.Wrap(err, "embedded migrations")
	}
	known := provider.ListSources()
	newest := slices.MaxFunc(known, func(a, b *goose.Source) int { return int(a.Version - b.Version) }).Version
	stands, err := provider.GetDBVersion(ctx)
	if err != nil {
		return errors.Wrapf(err, "read the version of schema %s", schema(s.group))
	}
	if stands > newest {
		return errors.Newf("the tables of group %q in Postgres have version %d and this badgestream knows versions up to %d: start a newer badgestream", s.group, stands, newest)
	}
	_, err = provider.Up(ctx)
	return errors.Wrapf(err, "migrate schema %s", schema(s.group))
}

// Alone calls f while no other process does the same for this group: it waits
// for its turn. The purpose names what is done. Postgres gives the turn to
// another if this process's connection breaks, which f does not notice: what
// it does must bear being done twice.
func (s *Store) Alone(ctx context.Context, purpose string, f func() error) error {
	return s.locked(ctx, lockKey(purpose, s.group), func(*pgx.Conn) error { return f() })
}

// Taken reports whether some process is at what Alone does for a purpose.
func (s *Store) Taken(ctx context.Context, purpose string) (taken bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
WHERE locktype = 'advisory' AND granted AND datname = current_database() AND objsubid = 2
  AND classid::bigint = $1::bigint & 4294967295 AND objid::bigint = $2::bigint & 4294967295)`,
		int64(lockKey("schema", s.group)), int64(lockKey(purpose, s.group))).Scan(&taken)
	return taken, errors.Wrapf(err, "look whether some process is at %s", purpose)
}

// locked calls f while this process alone holds the group's advisory lock of
// that number. It is a session's lock, so it ends with the process.
func (s *Store) locked(ctx context.Context, number int32, f func(*pgx.Conn) error) error {
	cfg := s.pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["application_name"] = "badgestream setup"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return unreachable(err, &cfg.Config)
	}
	defer closeQuietly(conn)
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1, $2)", lockKey("schema", s.group), number); err != nil {
		return errors.Wrapf(err, "wait for the lock of group %s", s.group)
	}
	return f(conn)
}

// closeQuietly ends a connection of which nothing more is wanted.
func closeQuietly(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
