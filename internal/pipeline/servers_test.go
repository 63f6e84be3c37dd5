package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
)

// TestRealServersDie kills each server, as a power cut would, while two
// processes fold, and starts it again. Redis loses its memory: its file is
// taken away.
func TestRealServersDie(t *testing.T) {
	stacktest.NeedReal(t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	c, stack, dir := ownServers(ctx, t, grouptest.Catalog(t, "starview"), 4)
	const each = 2_000
	servers := serversOf(stack)
	records := grouptest.Crowd(t, 5, 150, (len(servers)+1)*each)
	stops := []func(){c.Engine(ctx, 2, 61), c.Engine(ctx, 2, 89)}
	for i, s := range servers {
		c.Produce(records[i*each : (i+1)*each]...)
		c.Published(ctx, int64(i*each+each/4))
		c.do("kill "+s.name, s.kill())
		if s.name == "Redis" {
			c.do("take Redis's file away", os.RemoveAll(filepath.Join(dir, "redis", "appendonlydir")))
		}
		c.do("start "+s.name+" again", s.start(ctx))
	}
	c.Produce(records[len(servers)*each:]...)
	c.Published(ctx, int64(len(records)))
	for _, stop := range stops {
		stop()
	}
	c.Drain()
	c.Verify()
}

// TestRealServersHang stops each server where it stands while two processes
// fold, first for less than any time-out and then for longer than all that
// wait for it: the group's session (10 s), the transaction (8 s), locks (10 s),
// a publication (16 s), Redis's acknowledgement (30 s). It wants both to go on
// by themselves.
func TestRealServersHang(t *testing.T) {
	stacktest.NeedReal(t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	c, stack, _ := ownServers(ctx, t, grouptest.Catalog(t, "starview"), 4)
	servers := serversOf(stack)
	long := map[string]time.Duration{"Postgres": 24 * time.Second, "Redis": 34 * time.Second, "Kafka": 24 * time.Second}
	const each = 1_500
	records := grouptest.Crowd(t, 6, 150, 2*len(servers)*each)
	stops := []func(){c.Engine(ctx, 2, 41), c.Engine(ctx, 2, 67)}
	sent := 0
	for _, s := range servers {
		for _, d := range []time.Duration{2 * time.Second, long[s.name]} {
			c.Produce(records[sent : sent+each]...)
			c.Published(ctx, int64(sent+each/5))
			c.do("pause "+s.name, s.pause())
			c.lasts(ctx, d)
			c.do("resume "+s.name, s.resume())
			began := time.Now()
			sent += each
			c.Published(ctx, int64(sent))
			t.Logf("%s hung for %v; %v later all was published", s.name, d, time.Since(began).Round(10*time.Millisecond))
		}
	}
	for _, stop := range stops {
		stop()
	}
	c.Drain()
	c.Verify()
}

// stopsWithin is how long a process may take from SIGTERM to its end, whatever
// hangs: it waits for Redis's acknowledgement for 30 s at most, and for the
// rest of its goodbyes for less.
const stopsWithin = 45 * time.Second

// TestRealStopsWhileServersHang asks a process to end while a server hangs
// that it waits for, and wants it to end in order and in time.
func TestRealStopsWhileServersHang(t *testing.T) {
	stacktest.NeedReal(t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	c, stack, _ := ownServers(ctx, t, grouptest.Catalog(t, "starview"), 4)
	servers := serversOf(stack)
	const each = 2_000
	records := grouptest.Crowd(t, 8, 150, len(servers)*each)
	for i, s := range servers {
		p := c.process(2, 41)
		c.Produce(records[i*each : (i+1)*each]...)
		c.Published(ctx, int64(i*each+each/5))
		c.do("pause "+s.name, s.pause())
		took, err := c.terminate(ctx, p)
		c.do("resume "+s.name, s.resume())
		if err != nil || took > stopsWithin {
			t.Errorf("while %s hung, a process took %v to end, with: %v", s.name, took, err)
		}
		t.Logf("while %s hung, SIGTERM took %v", s.name, took.Round(10*time.Millisecond))
		c.Drain()
	}
	c.Verify()
}
