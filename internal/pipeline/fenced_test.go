package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
)

func TestRealSameInstance(t *testing.T) { t.Parallel(); testSameInstance(t, stacktest.Real(t)) }
func TestSameInstance(t *testing.T)     { t.Parallel(); testSameInstance(t, stacktest.Embedded(t)) }

// testSameInstance has a stranger join the group under the name of a worker,
// and stay there without doing anything: the worker takes its name back.
func testSameInstance(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 1)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	stop := c.Engine(ctx, 1, 0)
	c.Produce(visits(5, "u1")...)
	c.Published(ctx, 5)
	joined := make(chan struct{}, 1)
	stranger, err := kgo.NewClient(kgo.SeedBrokers(stack.Brokers...), kgo.ConsumerGroup(c.Config.Group), kgo.InstanceID(c.Config.Group+"-0"),
		kgo.ConsumeTopics(c.Config.ActivityTopic), kgo.Balancers(kgo.RangeBalancer()), kgo.DisableAutoCommit(), kgo.SessionTimeout(10*time.Second),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) {
			select {
			case joined <- struct{}{}:
			default:
			}
		}))
	c.do("make a Kafka client", err)
	t.Cleanup(stranger.Close)
	select {
	case <-joined:
	case <-ctx.Done():
		t.Fatal("the stranger never joined")
	}
	c.lasts(ctx, 4*time.Second) // for the worker's heartbeat to be refused, while it has nothing to publish
	c.Produce(visits(3, "u2")...)
	c.Published(ctx, 8)
	stop()
	c.Drain()
	c.Verify()
}
