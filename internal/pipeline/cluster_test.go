package pipeline_test

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
)

// TestRealLeadersMove kills one of three brokers after the other, and stops one
// where it stands for longer than its session, each time the one that leads a
// partition which is being folded. The partitions' leaders and the group's and
// the transactions' coordinators move to those that live, and back.
func TestRealLeadersMove(t *testing.T) {
	t.Parallel()
	stack := stacktest.Real(t)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	cluster, err := devstack.StartKafkaCluster(ctx, devstack.KafkaClusterConfig{Dir: t.TempDir(), Brokers: 3, Heap: "512m"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Kill(); err != nil {
			t.Error(err)
		}
	})
	own := *stack
	own.Brokers = cluster.Brokers()
	c := found(t, &own, grouptest.Catalog(t, "starview"), 4)
	adm := kadm.NewClient(c.Client)
	const each = 1_500
	rounds := len(cluster.Nodes) + 1
	records := grouptest.Crowd(t, 31, 150, rounds*each)
	stops := []func(){c.Engine(ctx, 2, 41), c.Engine(ctx, 2, 67)}
	for i := range rounds {
		c.Produce(records[i*each : (i+1)*each]...)
		c.Published(ctx, int64(i*each+each/5))
		node := c.leader(ctx, adm, int32(i%4))
		victim := cluster.Nodes[node-1]
		if i < rounds-1 {
			c.do("kill a broker", victim.Kill())
		} else {
			c.do("pause a broker", victim.Pause())
		}
		c.Until(ctx, "another broker leads", func() bool { return c.leader(ctx, adm, int32(i%4)) != node })
		c.Published(ctx, int64((i+1)*each))
		if i < rounds-1 {
			c.do("start the broker again", victim.Start(ctx))
		} else {
			c.do("resume the broker", victim.Resume())
		}
		c.Until(ctx, "all replicas are in step", func() bool { return c.inStep(ctx, adm, len(cluster.Nodes)) })
		if _, err := adm.ElectLeaders(ctx, kadm.ElectPreferredReplica, nil); err != nil {
			t.Logf("the leaders do not move back now: %v", err)
		}
	}
	for _, stop := range stops {
		stop()
	}
	c.Drain()
	c.Verify()
}

// leader is the node that leads a partition of the activity topic, 0 while
// none does or nobody says.
func (c *community) leader(ctx context.Context, adm *kadm.Client, partition int32) int32 {
	topics, err := adm.ListTopics(ctx, c.Config.ActivityTopic)
	if err != nil || len(topics[c.Config.ActivityTopic].Partitions) == 0 {
		return 0
	}
	return max(0, topics[c.Config.ActivityTopic].Partitions[partition].Leader)
}

// inStep reports whether every partition has all its replicas.
func (c *community) inStep(ctx context.Context, adm *kadm.Client, replicas int) bool {
	topics, err := adm.ListTopicsWithInternal(ctx)
	if err != nil {
		return false
	}
	whole := true
	topics.EachPartition(func(p kadm.PartitionDetail) { whole = whole && len(p.ISR) == replicas && p.Leader > 0 })
	return whole && len(topics) > 0
}
