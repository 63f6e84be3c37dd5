package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

// TestRealServersDie kills each server, as a power cut would, while two
// processes fold, and starts it again. Redis comes back empty.
func TestRealServersDie(t *testing.T) {
	stacktest.NeedReal(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	stack, err := devstack.StartAll(ctx, devstack.Options{Dir: t.TempDir(), Real: true, KafkaHeap: "512m"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	c := found(t, &stacktest.Stack{Brokers: stack.Brokers, PostgresURL: stack.PostgresURL, RedisURL: stack.RedisURL, Prefix: "die"}, loadCatalog(t, "starview"), 4)
	const each = 2_000
	servers := []struct {
		name  string
		kill  func() error
		start func(context.Context) error
	}{
		{"Postgres", stack.Postgres.Kill, stack.Postgres.Start},
		{"Redis", stack.Redis.Kill, stack.Redis.Start},
		{"Kafka", stack.Kafka.Kill, stack.Kafka.Start},
	}
	records := crowd(t, 5, 150, (len(servers)+1)*each)
	stops := []func(){c.engine(ctx, 2, 61), c.engine(ctx, 2, 89)}
	for i, s := range servers {
		c.produce(records[i*each : (i+1)*each]...)
		c.published(ctx, int64(i*each+each/4))
		if err := s.kill(); err != nil {
			t.Fatalf("kill %s: %v", s.name, err)
		}
		if err := s.start(ctx); err != nil {
			t.Fatalf("start %s again: %v", s.name, err)
		}
	}
	c.produce(records[len(servers)*each:]...)
	c.published(ctx, int64(len(records)))
	for _, stop := range stops {
		stop()
	}
	c.drain()
	c.verify()
}
