package pipeline_test

import (
	"context"
	"io"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/projections/snapshots"
)

// TestRealRedisFailsOver has Redis fail over to a replica that fell behind: it
// has older snapshots of some users and none of others. The engine finds it at
// the same address, and must bring it up to date by itself, also with nothing
// new to fold.
func TestRealRedisFailsOver(t *testing.T) {
	t.Parallel()
	stack := stacktest.Real(t)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	main := startRedis(ctx, t, devstack.RedisConfig{})
	replica := startRedis(ctx, t, devstack.RedisConfig{ReplicaOf: main})
	door := openDoor(ctx, t, redisAddress(t, main.URL()))
	own := *stack
	own.RedisURL = "redis://" + door.address() + "/0"
	c := found(t, &own, grouptest.Catalog(t, "starview"), 4)
	records := grouptest.Crowd(t, 37, 150, 4_000)
	stops := []func(){c.Engine(ctx, 2, 41), c.Engine(ctx, 2, 67)}
	c.Produce(records[:2_000]...)
	c.Published(ctx, 2_000)
	copier := redisAt(t, replica.URL())
	c.Until(ctx, "the replica has copied all", func() bool {
		info := copier.Info(ctx, "replication").Val()
		n, err := copier.DBSize(ctx).Result()
		return strings.Contains(info, "master_link_status:up") && err == nil && n == redisAt(t, main.URL()).DBSize(ctx).Val()
	})
	c.do("cut the replica off", replica.Promote(ctx))
	c.Produce(records[2_000:3_000]...)
	c.Published(ctx, 3_000)
	had := c.progress(ctx, redisAt(t, main.URL()))
	if has := c.progress(ctx, copier); maps.Equal(had, has) {
		t.Fatal("the replica did not fall behind: this tests nothing")
	}
	c.do("kill the main server", main.Kill())
	door.lead(redisAddress(t, replica.URL()))
	// What was lost comes back without any event.
	c.Until(ctx, "the replica has what the main server had", func() bool { return maps.Equal(had, c.progress(ctx, copier)) })
	c.Produce(records[3_000:]...)
	c.Published(ctx, int64(len(records)))
	for _, stop := range stops {
		stop()
	}
	c.Drain()
	c.Verify()
}

// progress is all users' snapshots in a Redis.
func (c *community) progress(ctx context.Context, rdb *redis.Client) map[string]string {
	c.T.Helper()
	all := map[string]string{}
	keys, err := rdb.Keys(ctx, snapshots.Key(c.Config.Group, "*")).Result()
	c.do("list the snapshots", err)
	for _, key := range keys {
		text, err := rdb.Get(ctx, key).Result()
		c.do("read a snapshot", err)
		all[key] = text
	}
	return all
}

func startRedis(ctx context.Context, t *testing.T, config devstack.RedisConfig) *devstack.Redis {
	t.Helper()
	config.Dir, config.Real = t.TempDir(), true
	r, err := devstack.StartRedis(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Kill(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func redisAddress(t *testing.T, url string) string {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return o.Addr
}

func redisAt(t *testing.T, url string) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: redisAddress(t, url)})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// door is an address that leads to another one, as a failover's does.
type door struct {
	listener net.Listener
	mu       sync.Mutex
	to       string
	open     []net.Conn
}

func openDoor(ctx context.Context, t *testing.T, to string) *door {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{listener: l, to: to}
	t.Cleanup(func() {
		l.Close()
		d.lead("")
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.pass(ctx, conn)
		}
	}()
	return d
}

func (d *door) address() string { return d.listener.Addr().String() }

// lead sends whoever comes from now on to another address. Who is inside must
// leave.
func (d *door) lead(to string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.to = to
	for _, conn := range d.open {
		conn.Close()
	}
	d.open = nil
}

func (d *door) pass(ctx context.Context, conn net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	far, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.to)
	if err != nil {
		conn.Close()
		return
	}
	d.open = append(d.open, conn, far)
	for _, way := range [][2]net.Conn{{conn, far}, {far, conn}} {
		go func() {
			_, _ = io.Copy(way[0], way[1])
			way[0].Close()
			way[1].Close()
		}()
	}
}
