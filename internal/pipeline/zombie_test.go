package pipeline_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
)

// TestRealZombie stops one of two processes where it stands, again and again,
// for less than its session and for longer: then the other one takes its
// partitions over and folds them on. When the first wakes up it must change
// nothing of that, and then take its part again.
func TestRealZombie(t *testing.T) {
	t.Parallel()
	c := found(t, stacktest.Real(t), grouptest.Catalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	stops := []time.Duration{time.Second, 13 * time.Second, 4 * time.Second, 13 * time.Second, 9 * time.Second, 26 * time.Second}
	const each = 1_500
	records := grouptest.Crowd(t, 12, 150, len(stops)*each)
	zombie, other := c.process(2, 23), c.process(2, 37)
	for i, d := range stops {
		c.Produce(records[i*each : (i+1)*each]...)
		c.Published(ctx, int64(i*each+each/5))
		c.do("stop a process", zombie.Process.Signal(syscall.SIGSTOP))
		if d > 20*time.Second {
			// The session is over, and Postgres's patience too: all is the other's.
			c.Published(ctx, int64((i+1)*each))
		} else {
			c.lasts(ctx, d)
		}
		c.do("wake it up", zombie.Process.Signal(syscall.SIGCONT))
		c.Published(ctx, int64((i+1)*each))
	}
	// Alone, it must be able to do all of the work.
	c.kill(other)
	c.Produce(visits(7, "after")...)
	c.Published(ctx, int64(len(records)+7))
	if took, err := c.terminate(ctx, zombie); err != nil {
		t.Errorf("the process that was stopped ended after %v with: %v", took, err)
	}
	c.Drain()
	c.Verify()
}

// TestRealSameTransactionalID has a stranger take the transactional id of a
// worker, again and again, and wants the worker to take it back: nothing is
// lost, doubled or torn.
func TestRealSameTransactionalID(t *testing.T) {
	t.Parallel()
	c := found(t, stacktest.Real(t), grouptest.Catalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	const rounds, each = 6, 1_000
	records := grouptest.Crowd(t, 13, 100, rounds*each)
	stop := c.Engine(ctx, 1, 17)
	for round := range rounds {
		c.Produce(records[round*each : (round+1)*each]...)
		c.Published(ctx, int64(round*each+each/5))
		c.steal(ctx, c.Config.Group+"-0", round%2 == 0)
	}
	c.Published(ctx, int64(len(records)))
	stop()
	c.Drain()
	c.Verify()
}

// steal begins a transaction under an id that is somebody's, and writes a badge
// event in it that nobody may ever see. It ends the transaction, or leaves it
// open as a stranger that died would.
func (c *community) steal(ctx context.Context, id string, end bool) {
	c.T.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Config.Brokers...), kgo.TransactionalID(id), kgo.TransactionTimeout(20*time.Second), kgo.DefaultProduceTopic(c.Config.AwardTopic))
	if err != nil {
		c.T.Fatal(err)
	}
	defer cl.Close()
	c.do("begin a transaction as "+id, cl.BeginTransaction())
	if err := cl.ProduceSync(ctx, kgo.StringRecord("no badge event")).FirstErr(); err != nil {
		c.T.Logf("the worker was faster: %v", err)
		return
	}
	if end {
		if err := cl.EndTransaction(ctx, kgo.TryAbort); err != nil {
			c.T.Logf("the worker was faster: %v", err)
		}
	}
}
