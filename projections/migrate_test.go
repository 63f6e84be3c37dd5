package projections

import (
	"context"
	"io/fs"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// TestRowKeysAreMade brings tables of the first layout, with ids as text, to
// the present one: each row is found under its key, as it was.
func TestRowKeysAreMade(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, err := Open(ctx, server(t), "moved")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	w := &world{Store: s, t: t, in: Installed{Regime: Regime{Epoch: 1, Generation: 1, CatalogVersion: 1}}}
	w.exec(`CREATE SCHEMA ` + schema("moved"))
	migrateTo(ctx, t, s, 1)
	for _, sql := range []string{
		`INSERT INTO BASE.regime (epoch, generation, catalog_version) VALUES (1, 1, 1)`,
		`CREATE SCHEMA ` + generationSchema("moved", 1),
		`CREATE TABLE GEN.member (user_id text COLLATE "C" NOT NULL, collection smallint NOT NULL, entity text COLLATE "C" NOT NULL, member text COLLATE "C" NOT NULL,
state int NOT NULL, prev int NOT NULL, at timestamptz, prev_at timestamptz, PRIMARY KEY (user_id, collection, entity, member))`,
		`CREATE TABLE GEN.entity (user_id text COLLATE "C" NOT NULL, collection smallint NOT NULL, entity text COLLATE "C" NOT NULL, state int NOT NULL, prev int NOT NULL,
s0 bigint NOT NULL, s1 bigint NOT NULL, s2 bigint NOT NULL, s3 bigint NOT NULL, PRIMARY KEY (user_id, collection, entity))`,
		`CREATE TABLE GEN.place (collection smallint PRIMARY KEY, taken bigint NOT NULL)`,
		`INSERT INTO GEN.member VALUES ('u1', 4, '', 'L1', 1, 0), ('u1', 4, '', 'é', 0, 1), ('u2', 1, 'R1', 'u1', 2, 1), ('u2', 1, 'R1u', '1', 3, 1)`,
		`INSERT INTO GEN.entity VALUES ('u2', 1, 'R1', -1, 1, 1, 2, 3, 4)`,
		`INSERT INTO GEN.place VALUES (6, 130)`,
	} {
		w.exec(sql)
	}
	if err := s.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	found := w.text(`SELECT ids.id, ids.coll, m.collection, m.state
FROM (VALUES (1, 'u1', 4, '', 'L1'), (2, 'u1', 4, '', 'é'), (3, 'u2', 1, 'R1', 'u1'), (4, 'u2', 1, 'R1u', '1'), (5, 'u1', 4, '', 'L2')) ids (n, id, coll, entity, member),
BASE.row_key(id, coll::smallint, entity, member) k LEFT JOIN GEN.member m USING (user_key, row_key) ORDER BY n`)
	same(t, "members", "u1 4 4 1\nu1 4 4 0\nu2 1 1 2\nu2 1 1 3\nu1 4 <nil> <nil>\n", found)
	same(t, "entities", "1 -1 1 2 3 4\n", w.text(`SELECT collection, state, s0, s1, s2, s3 FROM BASE.row_key('u2', 1::smallint, 'R1', '') JOIN GEN.entity USING (user_key, row_key)`))
	same(t, "places", "6 130 0\n", w.text(`SELECT collection, taken, prev FROM GEN.place`))
	same(t, "keys", "2\n", w.text(`SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND pg_get_constraintdef(oid) = 'PRIMARY KEY (user_key, row_key)' AND connamespace = to_regnamespace($1)`, generationSchema("moved", 1)))
	if err := s.Migrate(ctx); err != nil {
		t.Errorf("migrating again: %v", err)
	}
}

// migrateTo brings the base tables to a version.
func migrateTo(ctx context.Context, t *testing.T, s *Store, version int64) {
	t.Helper()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["search_path"] = schema(s.group)
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName("schema_version"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(ctx, version); err != nil {
		t.Fatal(err)
	}
}
