package stacktest

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Names lists the topics, consumer groups, schemas and keys on servers, for
// tests of what is left behind. The servers may be shared: look for the names
// of your own alone.
func Names(t testing.TB, brokers []string, postgres, redisURL string) []string {
	t.Helper()
	fatal := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	fatal(err)
	defer client.Close()
	topics, err := kadm.NewClient(client).ListTopics(t.Context())
	fatal(err)
	groups, err := kadm.NewClient(client).ListGroups(t.Context())
	fatal(err)
	conn, err := pgx.Connect(t.Context(), postgres)
	fatal(err)
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), "SELECT nspname FROM pg_namespace")
	fatal(err)
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	fatal(err)
	options, err := redis.ParseURL(redisURL)
	fatal(err)
	rdb := redis.NewClient(options)
	defer rdb.Close()
	keys, err := rdb.Keys(t.Context(), "*").Result()
	fatal(err)
	return slices.Concat(topics.Names(), groups.Groups(), schemas, keys)
}
