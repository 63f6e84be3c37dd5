package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

// ownServers starts real servers for one test, which may harm them, and a
// community on them. Postgres's data are in dir/postgres/data.
func ownServers(ctx context.Context, t *testing.T, cat *catalog.Catalog, partitions int) (c *community, stack *devstack.Stack, dir string) {
	t.Helper()
	dir = t.TempDir()
	stack, err := devstack.StartAll(ctx, devstack.Options{Dir: dir, Real: true, KafkaHeap: "512m"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if err := stack.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return found(t, &stacktest.Stack{Brokers: stack.Brokers, PostgresURL: stack.PostgresURL, RedisURL: stack.RedisURL, Prefix: "own"}, cat, partitions), stack, dir
}

// server is what a test can do to one of the servers.
type server struct {
	name          string
	kill          func() error
	start         func(context.Context) error
	pause, resume func() error
}

func serversOf(s *devstack.Stack) []server {
	return []server{
		{"Postgres", s.Postgres.Kill, s.Postgres.Start, s.Postgres.Pause, s.Postgres.Resume},
		{"Redis", s.Redis.Kill, s.Redis.Start, s.Redis.Pause, s.Redis.Resume},
		{"Kafka", s.Kafka.Kill, s.Kafka.Start, s.Kafka.Pause, s.Kafka.Resume},
	}
}

// lasts is how long a fault lasts: nothing is right because of it.
func (c *community) lasts(ctx context.Context, d time.Duration) {
	c.T.Helper()
	select {
	case <-time.After(d):
	case <-ctx.Done():
		c.T.Fatal(ctx.Err())
	}
}

// do fails the test if a fault could not be made.
func (c *community) do(what string, err error) {
	c.T.Helper()
	if err != nil {
		c.T.Fatalf("%s: %v", what, err)
	}
}
