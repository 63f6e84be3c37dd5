package oracle_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/checks"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/oracle"
)

func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }

// group is one group on the test's servers, whose tables and keys are tampered
// with.
type group struct {
	*grouptest.Group
	pg  *pgx.Conn
	rdb *redis.Client
}

func found(t *testing.T, stack *stacktest.Stack, cat *catalog.Catalog, partitions int) *group {
	t.Helper()
	g := &group{Group: grouptest.New(t, stack, cat, partitions)}
	var err error
	if g.pg, err = pgx.Connect(t.Context(), g.Config.Postgres); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.pg.Close(context.Background()) })
	opts, err := redis.ParseURL(g.Config.Redis)
	if err != nil {
		t.Fatal(err)
	}
	g.rdb = redis.NewClient(opts)
	t.Cleanup(func() { _ = g.rdb.Close() })
	return g
}

// sql changes what stands in Postgres, and wants it to change something. %s is
// the group's schema, %g its generation's.
func (g *group) sql(text string, args ...any) {
	g.T.Helper()
	tag, err := g.pg.Exec(g.T.Context(), text, args...)
	if err != nil {
		g.T.Fatal(err)
	}
	if tag.RowsAffected() == 0 {
		g.T.Fatalf("it changed nothing: %s", text)
	}
}

// base and gen are the tables' schemas.
func (g *group) base() string { return pgx.Identifier{g.Config.Group}.Sanitize() }

func (g *group) gen() string { return pgx.Identifier{g.Config.Group + "_g1"}.Sanitize() }

// looked is how many things a check compared.
func looked(r *oracle.Report, name string) int64 {
	i := slices.IndexFunc(r.Checks, func(c checks.Check) bool { return c.Name == name })
	return r.Checks[i].Looked
}
