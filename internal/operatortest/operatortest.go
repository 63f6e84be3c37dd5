// Package operatortest gives tests of what operators use a group on the test's
// servers, with connections to look at its tables and keys, and to change them.
package operatortest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/projections"
)

// Group is one group of the engine.
type Group struct {
	pipeline.Config
	Catalog *catalog.Catalog
	Client  *kgo.Client
	Rdb     *redis.Client
	// Conn is a connection to Postgres, for tampering and for looking.
	Conn  *pgx.Conn
	Store *projections.Store
	t     testing.TB
	live  int32 // the generation that readers see
}

// Found makes a group of a shipped catalogue, or of the one in a file.
func Found(t testing.TB, stack *stacktest.Stack, nameOrPath string, partitions int) *Group {
	t.Helper()
	cat, err := catalog.Load(nameOrPath)
	check(t, err)
	base := grouptest.New(t, stack, cat, partitions)
	g := &Group{t: t, live: 1, Config: base.Config, Catalog: cat, Client: base.Client}
	g.Conn, err = pgx.Connect(t.Context(), g.Postgres)
	check(t, err)
	t.Cleanup(func() { _ = g.Conn.Close(context.Background()) })
	g.Store, err = projections.Open(t.Context(), g.Postgres, g.Group)
	check(t, err)
	t.Cleanup(g.Store.Close)
	opts, err := redis.ParseURL(g.Redis)
	check(t, err)
	g.Rdb = redis.NewClient(opts)
	t.Cleanup(func() { _ = g.Rdb.Close() })
	return g
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Event makes the record of an event, keyed by its subject.
func Event(id, kind, subject string, at time.Time, data string) *kgo.Record {
	text := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/s","type":%q,"subject":%q,"time":%q,"data":%s}`, id, kind, subject, at.UTC().Format(time.RFC3339Nano), data)
	return &kgo.Record{Key: []byte(subject), Value: []byte(text), Headers: grouptest.Structured()}
}

// Tick makes the record of a tick on the group's control topic.
func (g *Group) Tick(at time.Time) *kgo.Record {
	text := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/ticks","type":"badgestream.tick","time":%q,"data":{}}`, at.String(), at.UTC().Format(time.RFC3339Nano))
	return &kgo.Record{Topic: g.Group + ".control", Value: []byte(text), Headers: grouptest.Structured(), Timestamp: at}
}

// now is the group with the configuration and the catalogue that it has now.
func (g *Group) now() *grouptest.Group {
	return &grouptest.Group{T: g.t, Config: g.Config, Catalog: g.Catalog, Client: g.Client}
}

// Produce writes records to the activity topic, or to the topic they name.
func (g *Group) Produce(records ...*kgo.Record) { g.t.Helper(); g.now().Produce(records...) }

// Drain runs the engine until all that stands in the topics is published.
func (g *Group) Drain() { g.t.Helper(); g.now().Drain() }

// Run runs the engine until stop is called, which waits for it.
func (g *Group) Run(ctx context.Context) (stop func()) {
	return g.now().Engine(ctx, g.Workers, g.Batch)
}

// Until waits until something holds, for as long as the context lives.
func (g *Group) Until(ctx context.Context, what string, holds func() bool) {
	g.t.Helper()
	g.now().Until(ctx, what, holds)
}

// Base is the quoted schema of the group.
func (g *Group) Base() string { return pgx.Identifier{g.Group}.Sanitize() }

// Gen is the quoted schema of the generation that readers see.
func (g *Group) Gen() string {
	return pgx.Identifier{fmt.Sprintf("%s_g%d", g.Group, g.live)}.Sanitize()
}

// SQL changes what stands in Postgres, and wants it to change something.
func (g *Group) SQL(text string, args ...any) {
	g.t.Helper()
	tag, err := g.Conn.Exec(g.t.Context(), text, args...)
	check(g.t, err)
	if tag.RowsAffected() == 0 {
		g.t.Fatalf("it changed nothing: %s", text)
	}
}

// One reads a single value from Postgres.
func One[T any](g *Group, text string, args ...any) T {
	g.t.Helper()
	rows, err := g.Conn.Query(g.t.Context(), text, args...)
	check(g.t, err)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	check(g.t, err)
	return v
}

// Decisions makes decisions of all kinds about users whom records are keyed by.
func (g *Group) Decisions(seed uint64, about []*kgo.Record, n int) []*kgo.Record {
	return g.now().Decisions(seed, about, n)
}
