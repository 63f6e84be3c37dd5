package oracle_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/internal/traffic"
)

func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }

// group is one group on the test's servers, with topics of its own.
type group struct {
	t   *testing.T
	cfg pipeline.Config
	cat *catalog.Catalog
	cl  *kgo.Client
	pg  *pgx.Conn
	rdb *redis.Client
}

func found(t *testing.T, stack *stacktest.Stack, cat *catalog.Catalog, partitions int) *group {
	t.Helper()
	g := &group{t: t, cat: cat, cfg: pipeline.Config{
		Brokers: stack.Brokers, Postgres: stack.PostgresURL, Redis: stack.RedisURL,
		Group: stack.Group("g"), ActivityTopic: stack.Topic("activity"), AwardTopic: stack.Topic("badges"), DeadLetterTopic: stack.Topic("dead"),
		Partitions: partitions,
	}}
	var err error
	g.cl, err = kgo.NewClient(kgo.SeedBrokers(stack.Brokers...), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.DefaultProduceTopic(g.cfg.ActivityTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.cl.Close)
	if err := pipeline.Init(t.Context(), g.cfg, cat, telemetry.Discard().Log); err != nil {
		t.Fatal(err)
	}
	if g.pg, err = pgx.Connect(t.Context(), g.cfg.Postgres); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.pg.Close(context.Background()) })
	opts, err := redis.ParseURL(g.cfg.Redis)
	if err != nil {
		t.Fatal(err)
	}
	g.rdb = redis.NewClient(opts)
	t.Cleanup(func() { _ = g.rdb.Close() })
	return g
}

func loadCatalog(t *testing.T, name string) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// crowd makes events of a few users who credit one another across partitions;
// one in a hundred is cut short, and no event.
func crowd(t *testing.T, seed uint64, users, events int) []*kgo.Record {
	t.Helper()
	world, err := traffic.New(traffic.Config{Seed: seed, Users: users, Skew: 1.1})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	records := make([]*kgo.Record, 0, events)
	for i := range events {
		e := world.Next(1_793_491_200_000_000 + int64(i)*1_000_000)
		r := &kgo.Record{Key: []byte(e.Subject), Value: e.AppendStructured(nil), Headers: structured()}
		if rng.IntN(100) == 0 {
			r.Value = r.Value[:len(r.Value)/2]
		}
		records = append(records, r)
	}
	return records
}

func structured() []kgo.RecordHeader {
	return []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json")}}
}

func (g *group) produce(records ...*kgo.Record) {
	g.t.Helper()
	if err := g.cl.ProduceSync(g.t.Context(), records...).FirstErr(); err != nil {
		g.t.Fatal(err)
	}
}

// drain runs the engine until all that stands in the topics is published.
func (g *group) drain() {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 60*time.Second)
	defer cancel()
	cfg := g.cfg
	cfg.Drain = true
	if sum, err := pipeline.Run(ctx, cfg, g.cat, g.telemetry()); err != nil || ctx.Err() != nil {
		g.t.Fatalf("not drained: %+v, %v", sum, err)
	}
}

// engine runs the engine until stop is called, which waits for it.
func (g *group) engine(ctx context.Context, workers, batch int) (stop func()) {
	running, cancel := context.WithCancel(ctx)
	cfg := g.cfg
	cfg.Workers, cfg.Batch = workers, batch
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := pipeline.Run(running, cfg, g.cat, g.telemetry()); err != nil {
			g.t.Errorf("the engine ended: %v", err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

func (g *group) telemetry() *telemetry.Telemetry {
	tel := telemetry.Discard()
	tel.Log = slog.New(slog.NewTextHandler(g.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	return tel
}

// config is an audit of the group at rest.
func (g *group) config() oracle.Config {
	return oracle.Config{
		Brokers: g.cfg.Brokers, Postgres: g.cfg.Postgres, Redis: g.cfg.Redis, Group: g.cfg.Group,
		ActivityTopic: g.cfg.ActivityTopic, AwardTopic: g.cfg.AwardTopic, DeadLetterTopic: g.cfg.DeadLetterTopic,
		Settled: true,
	}
}

func (g *group) audit(cfg oracle.Config) *oracle.Report {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 2*time.Minute)
	defer cancel()
	r, err := oracle.Audit(ctx, cfg)
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}

// sql changes what stands in Postgres, and wants it to change something. %s is
// the group's schema, %g its generation's.
func (g *group) sql(text string, args ...any) {
	g.t.Helper()
	tag, err := g.pg.Exec(g.t.Context(), text, args...)
	if err != nil {
		g.t.Fatal(err)
	}
	if tag.RowsAffected() == 0 {
		g.t.Fatalf("it changed nothing: %s", text)
	}
}

// base and gen are the tables' schemas.
func (g *group) base() string { return pgx.Identifier{g.cfg.Group}.Sanitize() }

func (g *group) gen() string { return pgx.Identifier{g.cfg.Group + "_g1"}.Sanitize() }

// looked is how many things a check compared.
func looked(r *oracle.Report, name string) int64 {
	i := slices.IndexFunc(r.Checks, func(c oracle.Check) bool { return c.Name == name })
	return r.Checks[i].Looked
}
