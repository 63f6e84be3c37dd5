package stacktest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Stack is one test's own part of the servers.
type Stack struct {
	// Brokers are Kafka's addresses. Kafka is shared as a whole: topics, groups
	// and transactional ids begin with Prefix.
	Brokers []string
	// PostgresURL names an empty database, which is dropped after the test.
	PostgresURL string
	// RedisURL names an empty numbered database. Flush it with FLUSHDB; FLUSHALL
	// would flush everybody's.
	RedisURL string
	// Prefix is letters, digits and dashes, and differs from every other test's.
	Prefix string
}

// Topic is the test's own topic of that name. It is not created.
func (s *Stack) Topic(name string) string { return s.Prefix + "-" + name }

// Group is the test's own consumer group of that name.
func (s *Stack) Group(name string) string { return s.Prefix + "-" + name }

const shareLimit = 30 * time.Second

// share cuts one test's part out of the servers, and gives it back afterwards.
func share(t testing.TB, brokers []string, postgres, redisURL string) *Stack {
	t.Helper()
	prefix := uniquePrefix(t)
	s := &Stack{
		Brokers:     brokers,
		PostgresURL: shareDatabase(t, postgres, strings.ReplaceAll(prefix, "-", "_")),
		RedisURL:    shareRedis(t, redisURL),
		Prefix:      prefix,
	}
	t.Cleanup(func() { deleteTopics(t, brokers, prefix) })
	return s
}

// uniquePrefix is readable and differs from any other, also of other processes.
func uniquePrefix(t testing.TB) string {
	t.Helper()
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}, strings.ToLower(strings.TrimPrefix(t.Name(), "Test")))
	var random [5]byte
	if _, err := rand.Read(random[:]); err != nil {
		t.Fatal(err)
	}
	return "t-" + name[:min(len(name), 32)] + "-" + hex.EncodeToString(random[:])
}

// shareDatabase creates an empty database on the server of the address.
func shareDatabase(t testing.TB, address, name string) string {
	t.Helper()
	ask := func(sql string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), shareLimit)
		defer cancel()
		conn, err := pgx.Connect(ctx, address)
		if err != nil {
			t.Fatalf("connecting to Postgres: %v", err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	quoted := pgx.Identifier{name}.Sanitize()
	ask("CREATE DATABASE " + quoted)
	t.Cleanup(func() { ask("DROP DATABASE " + quoted + " WITH (FORCE)") })
	return replacePath(t, address, name)
}

// shareRedis takes the next numbered database of the server. Their numbers
// are drawn from a counter in database 0, so that processes share them too.
func shareRedis(t testing.TB, address string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), shareLimit)
	defer cancel()
	counter := redisClient(t, replacePath(t, address, "0"))
	defer counter.Close()
	databases := int64(devstack.RedisDatabases)
	// miniredis does not know CONFIG; it has any number of databases.
	if answer, err := counter.ConfigGet(ctx, "databases").Result(); err == nil {
		if n, err := strconv.ParseInt(answer["databases"], 10, 64); err == nil {
			databases = n
		}
	}
	if databases < 2 {
		t.Fatalf("the Redis at %s has one database, and tests need their own: start it with more", address)
	}
	drawn, err := counter.Incr(ctx, "badgestream-stacktest").Result()
	if err != nil {
		t.Fatalf("drawing a Redis database: %v", err)
	}
	own := replacePath(t, address, strconv.FormatInt(drawn%(databases-1)+1, 10))
	flush := func() {
		ctx, cancel := context.WithTimeout(context.Background(), shareLimit)
		defer cancel()
		client := redisClient(t, own)
		defer client.Close()
		if err := client.FlushDB(ctx).Err(); err != nil {
			t.Errorf("emptying the test's Redis database: %v", err)
		}
	}
	flush()
	t.Cleanup(flush)
	return own
}

func redisClient(t testing.TB, address string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(address)
	if err != nil {
		t.Fatalf("reading the Redis address %q: %v", address, err)
	}
	return redis.NewClient(o)
}

// deleteTopics deletes the test's topics, so that a server which serves many
// tests stays small.
func deleteTopics(t testing.TB, brokers []string, prefix string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), shareLimit)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Errorf("connecting to Kafka: %v", err)
		return
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		t.Errorf("listing the test's topics: %v", err)
		return
	}
	var own []string
	for _, name := range topics.Names() {
		if strings.HasPrefix(name, prefix) {
			own = append(own, name)
		}
	}
	if len(own) == 0 {
		return
	}
	if _, err := admin.DeleteTopics(ctx, own...); err != nil {
		t.Errorf("deleting the test's topics: %v", err)
	}
}

// replacePath is the address with another database.
func replacePath(t testing.TB, address, path string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("reading the address %q: %v", address, err)
	}
	u.Path = "/" + path
	return u.String()
}
