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

// separate has many tests at once write the same names, and each find only
// what it wrote itself.
func separate(t *testing.T, part func(testing.TB) *stacktest.Stack) {
	prefixes := make(chan string, 20)
	t.Run("all", func(t *testing.T) {
		for range cap(prefixes) {
			t.Run("one", func(t *testing.T) {
				t.Parallel()
				s := part(t)
				prefixes <- s.Prefix
				writeAlone(t, s)
			})
		}
	})
	close(prefixes)
	seen := map[string]bool{}
	for prefix := range prefixes {
		if seen[prefix] {
			t.Errorf("two tests were given the prefix %q", prefix)
		}
		seen[prefix] = true
	}
	if len(seen) != cap(prefixes) {
		t.Errorf("%d of %d tests were given a part", len(seen), cap(prefixes))
	}
}

func writeAlone(t *testing.T, s *stacktest.Stack) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	conn, err := pgx.Connect(ctx, s.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	// Not closed before the test ends: the database goes away all the same.
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
