package devstack_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/redis/go-redis/v9"
)

func TestMiniredisWhereNoRedisIs(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := devstack.StartRedis(limited(t), devstack.RedisConfig{Dir: t.TempDir(), Real: true}); err == nil {
		t.Error("asked for a real one, it took miniredis")
	}
	r := startRedis(t, devstack.RedisConfig{Dir: t.TempDir()})
	if !strings.HasPrefix(r.String(), "miniredis") {
		t.Errorf("it does not say what it is: %q", r)
	}
	comesBackEmpty(t, r)
}

func TestRedisServer(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("needs redis-server on the PATH")
	}
	r := startRedis(t, devstack.RedisConfig{Dir: t.TempDir(), Real: true})
	comesBackEmpty(t, r)

	if err := r.Pause(); err != nil {
		t.Fatal(err)
	}
	client := redisClient(t, r)
	if err := client.Ping(shortly(t)).Err(); err == nil {
		t.Error("a paused server answers")
	}
	if err := r.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := client.Ping(limited(t)).Err(); err != nil {
		t.Errorf("a resumed server does not answer: %v", err)
	}
}

func TestRedisServerDurable(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("needs redis-server on the PATH")
	}
	ctx := limited(t)
	r := startRedis(t, devstack.RedisConfig{Dir: t.TempDir(), Real: true, Durable: true})
	if err := redisClient(t, r).Set(ctx, "kept", "yes", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := redisClient(t, r).Get(ctx, "kept").Result(); got != "yes" {
		t.Errorf("after a stop it has %q, %v", got, err)
	}
}

// comesBackEmpty runs a script, as snapshots do, kills the server, and finds
// it empty on the same address.
func comesBackEmpty(t *testing.T, r *devstack.Redis) {
	t.Helper()
	ctx := limited(t)
	script := redis.NewScript(`redis.call("SET", KEYS[1], ARGV[1]); return redis.call("GET", KEYS[1])`)
	if got, err := script.Run(ctx, redisClient(t, r), []string{"key"}, "value").Text(); got != "value" {
		t.Fatalf("the script answers %q, %v", got, err)
	}
	if err := r.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := redisClient(t, r).Ping(shortly(t)).Err(); err == nil {
		t.Fatal("a killed server answers")
	}
	if err := r.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := redisClient(t, r).DBSize(ctx).Result(); err != nil || n != 0 {
		t.Errorf("it came back with %d keys, %v", n, err)
	}
}

func startRedis(t *testing.T, config devstack.RedisConfig) *devstack.Redis {
	t.Helper()
	r, err := devstack.StartRedis(limited(t), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

func redisClient(t *testing.T, r *devstack.Redis) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	o.MaxRetries = -1
	client := redis.NewClient(o)
	t.Cleanup(func() { client.Close() })
	return client
}
