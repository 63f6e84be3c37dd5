package wire_test

import (
	"errors"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/faults/wire"
	"github.com/redis/go-redis/v9"
)

func TestRedis(t *testing.T)     { testRedis(t, stacktest.Embedded(t)) }
func TestRealRedis(t *testing.T) { testRedis(t, stacktest.Real(t)) }

func testRedis(t *testing.T, stack *stacktest.Stack) {
	ctx := limited(t)
	opts, err := redis.ParseURL(stack.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	direct := redis.NewClient(opts)
	defer direct.Close()
	proxy, url := through(t, wire.Redis, stack.RedisURL)
	if opts, err = redis.ParseURL(url); err != nil {
		t.Fatal(err)
	}
	opts.MaxRetries = -1
	client := redis.NewClient(opts)
	defer client.Close()
	set := redis.NewScript(`redis.call('SET', KEYS[1], ARGV[1]) return {1, {'a', 'b'}}`)
	if err := set.Load(ctx, direct).Err(); err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		point       wire.Point
		fault       wire.Fault
		done, fails bool
	}{
		{wire.Point{Message: "EVALSHA progress", Side: wire.Before}, wire.Cut(), false, true},
		{wire.Point{Message: "EVALSHA progress", Side: wire.After}, wire.Lose(), true, true},
		{wire.Point{Message: "EVALSHA progress", Side: wire.Before}, wire.Delay(20 * time.Millisecond), true, false},
		{wire.Point{Message: "HSET marker", Side: wire.Before}, wire.Cut(), true, true},
		{wire.Point{Message: "GET nothing", Side: wire.After}, wire.Lose(), true, true},
	} {
		if err := direct.FlushDB(ctx).Err(); err != nil {
			t.Fatal(err)
		}
		armed := proxy.Arm(tt.point, tt.fault)
		// What was passed on, and not read yet, goes with a connection that is reset.
		err := set.EvalSha(ctx, client, []string{"g:progress:mira"}, "x\r\ny").Err()
		_, later := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, "g:marker", "f", i)
			p.HGetAll(ctx, "g:marker")
			p.Get(ctx, "g:nothing:1")
			return nil
		})
		if failed := err != nil || later != nil && !errors.Is(later, redis.Nil); failed != tt.fails {
			t.Errorf("row %d: %v, %v", i, err, later)
		}
		must(t, armed)
		if there := direct.Exists(ctx, "g:progress:mira").Val() == 1; there != tt.done {
			t.Errorf("row %d: %s: done %t", i, tt.point, there)
		}
	}
}
