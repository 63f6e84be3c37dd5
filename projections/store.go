package projections

import (
	"context"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// minServerVersion is the oldest Postgres that badgestream runs on.
const minServerVersion = 15_00_00

// Store answers from a group's tables, and makes what folds into them.
type Store struct {
	pool  *pgxpool.Pool
	group string

	mu    sync.Mutex
	known *knownRows // of the generation for which a folder was made last
}

// Open connects to Postgres. The error is one sentence if the server cannot be
// reached or is too old.
func Open(ctx context.Context, url, group string) (*Store, error) {
	if err := checkGroup(group); err != nil {
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.Newf("the Postgres URL cannot be read: it should look like postgres://user:password@host:5432/database")
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, errors.Wrap(err, "open Postgres")
	}
	var version string
	if err := pool.QueryRow(ctx, "SHOW server_version_num").Scan(&version); err != nil {
		pool.Close()
		return nil, unreachable(err, &cfg.ConnConfig.Config)
	}
	if n, err := strconv.Atoi(version); err != nil || n < minServerVersion {
		pool.Close()
		return nil, errors.Newf("Postgres at %s is version %s; badgestream needs 15 or later", address(&cfg.ConnConfig.Config), majorVersion(version))
	}
	return &Store{pool: pool, group: group}, nil
}

// Close ends all connections of the store. Folders and leases have their own.
func (s *Store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known.close()
	s.pool.Close()
}

// knownRows are those of a generation, for all its folders.
func (s *Store) knownRows(generation int32) *knownRows {
	s.mu.Lock()
	defer s.mu.Unlock()
	if gen := generationSchema(s.group, generation); s.known == nil || s.known.gen != gen {
		s.known.close()
		s.known = newKnownRows(s.pool, gen)
	}
	return s.known
}

// Group is the group whose tables these are.
func (s *Store) Group() string { return s.group }

// Ping asks the server for an answer.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return unreachable(err, &s.pool.Config().ConnConfig.Config)
	}
	return nil
}

// unreachable says in one sentence where Postgres was looked for and what came
// of it. pgconn's own text names the user but never the password.
func unreachable(err error, cfg *pgconn.Config) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return errors.Wrapf(err, "Postgres at %s refuses the connection for user %s and database %s", address(cfg), cfg.User, cfg.Database)
	}
	var dial *net.OpError
	if errors.As(err, &dial) {
		err = dial // pgconn would list every attempt, each on a line
	}
	return errors.Wrapf(err, "Postgres at %s cannot be reached", address(cfg))
}

func address(cfg *pgconn.Config) string {
	return net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
}

func majorVersion(num string) string {
	if len(num) > 4 {
		return num[:len(num)-4]
	}
	return num
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// Regime is which rows are live and by which catalogue they are folded.
type Regime struct {
	// Epoch is the first part of the snapshots' version. It rises with each
	// switch of generations and each restore.
	Epoch          int64
	Generation     int32
	CatalogVersion int32
	// Turn is how many switches of generations there were.
	Turn int32
	// Erasures is how many records that erase users were folded.
	Erasures int32
}

// regimeColumns are the columns of the regime that into takes.
const regimeColumns = `epoch, generation, catalog_version, turn, erasures`

func (r *Regime) into() []any {
	return []any{&r.Epoch, &r.Generation, &r.CatalogVersion, &r.Turn, &r.Erasures}
}

// turnVersions is more than any user's version: what a turn adds to those that
// are shown, so that they rise across a switch, though the generations' own need
// not. It leaves JSON's numbers exact for 8,191 turns.
const turnVersions = 1 << 40

// Version is a user's version as others see it: it never goes back. own is that
// of the generation's row.
func (r *Regime) Version(own int64) int64 { return int64(r.Turn)*turnVersions + own }

func (r *Regime) read(v [][]byte) error {
	*r = Regime{Epoch: pgbatch.ReadInt8(v[0]), Generation: pgbatch.ReadInt4(v[1]), CatalogVersion: pgbatch.ReadInt4(v[2]), Turn: pgbatch.ReadInt4(v[3]), Erasures: pgbatch.ReadInt4(v[4])}
	return nil
}
