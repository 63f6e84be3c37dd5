package pipeline_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/twmb/franz-go/pkg/kadm"
)

// testHalts does to the topics what cannot be mended, and wants the engine to
// stop and to say what happened. Each row starts from a group that has folded
// five events.
func testHalts(t *testing.T, servers func(testing.TB) *stacktest.Stack) {
	for _, tt := range []struct {
		name string
		harm func(ctx context.Context, c *community, adm *kadm.Client)
		want string
	}{
		{"records lost to retention", func(ctx context.Context, c *community, adm *kadm.Client) {
			c.produce(visits(5, "u2")...)
			ends, err := adm.ListEndOffsets(ctx, c.cfg.ActivityTopic)
			if err != nil {
				c.t.Fatal(err)
			}
			if _, err := adm.DeleteRecords(ctx, ends.Offsets()); err != nil {
				c.t.Fatal(err)
			}
		}, "are gone from the log"},
		{"topic made anew", func(ctx context.Context, c *community, adm *kadm.Client) {
			if _, err := adm.DeleteTopic(ctx, c.cfg.ActivityTopic); err != nil {
				c.t.Fatal(err)
			}
			c.until(ctx, "the topic can be created again", func() bool {
				size := "4194304"
				r, err := adm.CreateTopic(ctx, 1, 1, map[string]*string{"max.message.bytes": &size}, c.cfg.ActivityTopic)
				return err == nil && r.Err == nil
			})
		}, "was deleted and created again"},
		{"more partitions", func(ctx context.Context, c *community, adm *kadm.Client) {
			if _, err := adm.CreatePartitions(ctx, 2, c.cfg.ActivityTopic); err != nil {
				c.t.Fatal(err)
			}
			c.until(ctx, "the partition is there", func() bool {
				topics, err := adm.ListTopics(ctx, c.cfg.ActivityTopic)
				return err == nil && len(topics[c.cfg.ActivityTopic].Partitions) == 3
			})
		}, "had 1 partitions when folding began and has 3 now"},
		{"compacted", func(ctx context.Context, c *community, adm *kadm.Client) {
			policy := "compact"
			if _, err := adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "cleanup.policy", Value: &policy}}, c.cfg.ActivityTopic); err != nil {
				c.t.Fatal(err)
			}
		}, "is compacted"},
		{"dead letters too small", func(ctx context.Context, c *community, adm *kadm.Client) {
			size := "1000000"
			if _, err := adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &size}}, c.cfg.DeadLetterTopic); err != nil {
				c.t.Fatal(err)
			}
		}, "set its max.message.bytes"},
		{"committed offsets deleted", func(ctx context.Context, c *community, adm *kadm.Client) {
			if _, err := adm.DeleteGroup(ctx, c.cfg.Group); err != nil {
				c.t.Fatal(err)
			}
		}, "has lost its committed offset"},
		{"another database", func(ctx context.Context, c *community, _ *kadm.Client) {
			c.cfg.Postgres = servers(c.t).PostgresURL
		}, "Postgres knows nothing of it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := found(t, servers(t), loadCatalog(t, "starview"), 1)
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			defer cancel()
			c.produce(visits(5, "u1")...)
			c.drain()
			adm := kadm.NewClient(c.cl)
			groups, err := adm.DescribeGroups(ctx, c.cfg.Group)
			if err != nil {
				t.Fatal(err)
			}
			if state := groups[c.cfg.Group].State; state != "Empty" {
				t.Errorf("the group is %s after the engine stopped: it did not leave", state)
			}
			tt.harm(ctx, c, adm)
			_, err = pipeline.Run(ctx, c.cfg, c.cat, c.telemetry())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the engine ended with: %v", err)
			}
		})
	}
}

func TestRealHalts(t *testing.T) {
	stacktest.NeedReal(t)
	testHalts(t, stacktest.Real)
}

func TestHalts(t *testing.T) { testHalts(t, stacktest.Embedded) }
