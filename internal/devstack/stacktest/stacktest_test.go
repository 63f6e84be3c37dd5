package stacktest_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }

func TestEmbeddedPartsAreSeparate(t *testing.T) {
	separate(t, stacktest.Embedded)
}

func TestRealPartsAreSeparate(t *testing.T) {
	stacktest.NeedReal(t)
	separate(t, stacktest.Real)
}

// separate writes the same names into several parts that are held at once.
func separate(t *testing.T, part func(testing.TB) *stacktest.Stack) {
	t.Helper()
	var parts []*stacktest.Stack
	for range 5 {
		parts = append(parts, part(t))
	}
	for _, s := range parts {
		writeAlone(t, s)
	}
}

// writeAlone fails if somebody else has written the same before.
func writeAlone(t *testing.T, s *stacktest.Stack) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	conn, err := pgx.Connect(ctx, s.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	// It stays open: the database goes away all the same.
	if _, err := conn.Exec(ctx, "CREATE TABLE mine (x int)"); err != nil {
		t.Errorf("the database is not the test's own: %v", err)
	}

	options, err := redis.ParseURL(s.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	if set, err := client.SetNX(ctx, "mine", "x", 0).Result(); err != nil || !set {
		t.Errorf("the Redis database is not the test's own: set %v, %v", set, err)
	}

	kafka, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	if _, err := kadm.NewClient(kafka).CreateTopic(ctx, 1, 1, nil, s.Topic("mine")); err != nil {
		t.Errorf("the topic is not the test's own: %v", err)
	}
}
