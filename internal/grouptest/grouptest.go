// Package grouptest gives a test one group of badgestream on its servers, with
// topics of its own: it produces, runs the engine, reads what was published,
// and has the oracle judge.
package grouptest

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/telemetry"
)

// producedBytes is the largest batch that a test produces: a record may then
// hold what the larger tests of bad input put there.
const producedBytes = 3 << 20

// Group is one group on the test's servers.
type Group struct {
	T       testing.TB
	Config  pipeline.Config
	Catalog *catalog.Catalog
	// Client produces to the activity topic unless a record names another. A
	// key's records go to one partition.
	Client *kgo.Client
}

// AnyTimestamp are the settings of a topic whose records may bear any timestamp,
// as those of brokers before Kafka 3.6 did and as one can be told to. A broker
// may heed them only some time after they are altered, so New makes the topic.
func AnyTimestamp() map[string]*string {
	forever := "9223372036854775807"
	return map[string]*string{"message.timestamp.after.max.ms": &forever, "message.timestamp.before.max.ms": &forever}
}

// New makes a group and its topics, the activity topic with these settings.
func New(t testing.TB, stack *stacktest.Stack, cat *catalog.Catalog, partitions int, settings ...map[string]*string) *Group {
	t.Helper()
	g := &Group{T: t, Catalog: cat, Config: pipeline.Config{
		Brokers: stack.Brokers, Postgres: stack.PostgresURL, Redis: stack.RedisURL,
		Group: stack.Group("g"), ActivityTopic: stack.Topic("activity"), AwardTopic: stack.Topic("badges"), DeadLetterTopic: stack.Topic("dead"),
		Partitions: partitions,
	}}
	var err error
	g.Client, err = kgo.NewClient(kgo.SeedBrokers(stack.Brokers...), kgo.DefaultProduceTopic(g.Config.ActivityTopic),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerBatchMaxBytes(producedBytes))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Client.Close)
	for _, s := range settings {
		if _, err := kadm.NewClient(g.Client).CreateTopic(t.Context(), int32(partitions), 1, s, g.Config.ActivityTopic); err != nil {
			t.Fatal(err)
		}
	}
	if err := pipeline.Init(t.Context(), g.Config, cat, telemetry.Discard().Log); err != nil {
		t.Fatal(err)
	}
	return g
}

// Catalog loads a catalogue that ships with badgestream, or a file.
func Catalog(t testing.TB, name string) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// Altered is the catalogue of a text in which the first of each pair is the
// second, where it stands first. All must stand there.
func Altered(t testing.TB, text []byte, pairs ...string) *catalog.Catalog {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !bytes.Contains(text, []byte(pairs[i])) {
			t.Fatalf("the catalogue has no %q", pairs[i])
		}
		text = bytes.Replace(text, []byte(pairs[i]), []byte(pairs[i+1]), 1)
	}
	cat, err := catalog.Parse("altered", text)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// Produce writes records to the activity topic, in order.
func (g *Group) Produce(records ...*kgo.Record) {
	g.T.Helper()
	if err := g.Client.ProduceSync(g.T.Context(), records...).FirstErr(); err != nil {
		g.T.Fatal(err)
	}
}

// Drain runs the engine until all that stands in the topics is published.
func (g *Group) Drain() pipeline.Summary {
	g.T.Helper()
	ctx, cancel := context.WithTimeout(g.T.Context(), stacktest.Patience(g.T))
	defer cancel()
	cfg := g.Config
	cfg.Drain = true
	sum, err := pipeline.Run(ctx, cfg, g.Catalog, g.Telemetry())
	if err != nil {
		g.T.Fatal(err)
	}
	if ctx.Err() != nil {
		g.T.Fatalf("not drained in time: %+v", sum)
	}
	return sum
}

// Engine runs the engine until stop is called, which waits for it.
func (g *Group) Engine(ctx context.Context, workers, batch int) (stop func()) {
	running, cancel := context.WithCancel(ctx)
	cfg := g.Config
	cfg.Workers, cfg.Batch = workers, batch
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := pipeline.Run(running, cfg, g.Catalog, g.Telemetry()); err != nil {
			g.T.Errorf("the engine ended: %v", err)
		}
	})
	return sync.OnceFunc(func() { cancel(); wg.Wait() })
}

// Telemetry tells the test's log what the engine logs.
func (g *Group) Telemetry() *telemetry.Telemetry {
	tel := telemetry.Discard()
	tel.Log = slog.New(slog.NewTextHandler(g.T.Output(), nil))
	return tel
}
