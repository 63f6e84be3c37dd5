// Package suite holds the stores in memory to what the real ones do: every test
// runs on both, and asks for the same.
package suite

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/faults/wire"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/simtest/fault"
	"github.com/badgestream/badgestream/internal/simtest/memredis"
	"github.com/badgestream/badgestream/internal/simtest/memstore"
	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }

// group is the group of every test.
const group = "club"

// servers are a Postgres and a Redis, embedded or in memory.
type servers interface {
	// process reaches them as one process does.
	process(t *testing.T) process
	flush(t *testing.T)
	// restart ends all sessions of Postgres.
	restart(t *testing.T)
	snapshot(t *testing.T, user string) string
}

// process is one process's way to the servers.
type process interface {
	reach() *pipeline.Servers
	// atCommit decides the fate of the next COMMIT, after it has called held.
	atCommit(f fault.Fate, held func())
	// atSnapshots decides the fate of the next snapshots that are written.
	atSnapshots(f fault.Fate)
	// dies cuts all connections to Postgres.
	dies()
}

// onBoth runs a test on servers in memory and on embedded ones.
func onBoth(t *testing.T, test func(*testing.T, servers)) {
	t.Run("memory", func(t *testing.T) { t.Parallel(); test(t, &memory{memstore.NewServer(), memredis.NewServer()}) })
	t.Run("servers", func(t *testing.T) { t.Parallel(); test(t, &embedded{stacktest.Embedded(t)}) })
}

// memory are servers in memory.
type memory struct {
	postgres *memstore.Server
	redis    *memredis.Server
}

func (m *memory) flush(*testing.T)                          { m.redis.Flush() }
func (m *memory) restart(*testing.T)                        { m.postgres.Restart() }
func (m *memory) snapshot(_ *testing.T, user string) string { return m.redis.Snapshot(user) }

func (m *memory) process(*testing.T) process {
	p := &inMemory{memory: m}
	p.store = m.postgres.Connect(p)
	return p
}

type inMemory struct {
	*memory
	store *memstore.Store

	// The next request of the name meets the fate.
	name string
	fate fault.Fate
	held func()
}

func (p *inMemory) reach() *pipeline.Servers {
	return &pipeline.Servers{Store: p.store, Snapshots: func(cat *catalog.Catalog, in projections.Installed) pipeline.Snapshots {
		return p.redis.NewWriter(p, p.store, cat, in)
	}}
}

func (p *inMemory) Send(_ context.Context, request string) fault.Fate {
	if request != p.name {
		return fault.Works
	}
	p.name = ""
	if p.held != nil {
		p.held()
	}
	return p.fate
}

func (p *inMemory) atCommit(f fault.Fate, held func()) { p.name, p.fate, p.held = "commit", f, held }
func (p *inMemory) atSnapshots(f fault.Fate)           { p.name, p.fate, p.held = "write snapshots", f, nil }
func (p *inMemory) dies()                              { p.store.Kill() }

// embedded are servers in processes of their own.
type embedded struct{ *stacktest.Stack }

func (r *embedded) restart(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), r.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"); err != nil {
		t.Fatal(err)
	}
}

func (r *embedded) flush(t *testing.T) {
	t.Helper()
	if err := r.client(t).FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func (r *embedded) snapshot(t *testing.T, user string) string {
	t.Helper()
	text, err := r.client(t).Get(t.Context(), snapshots.Key(group, user)).Result()
	if err != nil && err != redis.Nil { //nolint:errorlint // the client returns it as it is
		t.Fatal(err)
	}
	return text
}

func (r *embedded) client(t *testing.T) *redis.Client {
	t.Helper()
	opts, err := redis.ParseURL(r.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(opts)
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

// process goes through proxies of its own.
func (r *embedded) process(t *testing.T) process {
	t.Helper()
	p := &proxied{}
	cfg := pipeline.Config{Group: group}
	p.postgres, cfg.Postgres = through(t, wire.Postgres, r.PostgresURL)
	p.redis, cfg.Redis = through(t, wire.Redis, r.RedisURL)
	s, err := pipeline.Connect(t.Context(), &cfg, telemetry.Discard())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	p.servers = s
	return p
}

func through(t *testing.T, protocol wire.Protocol, server string) (*wire.Proxy, string) {
	t.Helper()
	host, err := wire.Host(server)
	if err != nil {
		t.Fatal(err)
	}
	p, err := wire.Listen(t.Context(), protocol, host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	url, err := wire.Through(server, p.Address())
	if err != nil {
		t.Fatal(err)
	}
	return p, url
}

type proxied struct {
	postgres, redis *wire.Proxy
	servers         *pipeline.Servers
}

func (p *proxied) reach() *pipeline.Servers { return p.servers }

func (p *proxied) atCommit(f fault.Fate, held func()) { arm(p.postgres, "COMMIT", f, held) }
func (p *proxied) atSnapshots(f fault.Fate)           { arm(p.redis, "EXEC", f, nil) }

func arm(p *wire.Proxy, message string, f fault.Fate, held func()) {
	point, does := wire.Point{Message: message, Side: wire.Before}, wire.Cut()
	switch f {
	case fault.Works:
		does = wire.Delay(0)
	case fault.Unheard:
		point.Side, does = wire.After, wire.Lose()
	}
	if held != nil {
		does = wire.Then(held, does)
	}
	p.Arm(point, does)
}

func (p *proxied) dies() {
	p.postgres.Refuse(true)
	p.postgres.Cut()
}

// soon waits for something that another goroutine or server brings about.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !is() {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("never: %s", what)
		}
	}
}
