package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
)

// TestRealUnderItsFeet takes the topic from under an engine that runs, and
// wants it to halt by itself, with the sentence that a start gives too.
func TestRealUnderItsFeet(t *testing.T) {
	stacktest.NeedReal(t)
	for _, h := range []harm{
		{"topic made anew", remakeActivity, "was deleted and created again", beginAnew},
		{"more partitions", addPartitions, "partitions", beginAnew},
		{"records lost to retention", func(ctx context.Context, c *community, adm *kadm.Client) {
			release := c.holdUp(ctx)
			c.Produce(visits(5, "u2")...)
			c.deleteRecords(ctx, adm)
			// Longer than the engine waits for a lock: what it has polled it gives up.
			c.lasts(ctx, 12*time.Second)
			release()
		}, "are gone from the log", beginAnew},
		{"award topic made anew", func(ctx context.Context, c *community, adm *kadm.Client) {
			c.remake(ctx, adm, c.Config.AwardTopic)
			c.Produce(visits(1, "u2")...)
		}, "was deleted and created again", beginAnew},
	} {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			c := found(t, stacktest.Real(t), grouptest.Catalog(t, "starview"), 1)
			ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
			defer cancel()
			c.Produce(visits(5, "u1")...)
			ended := make(chan error, 1)
			go func() {
				_, err := pipeline.Run(ctx, c.Config, c.Catalog, c.Telemetry())
				ended <- err
			}()
			c.Published(ctx, 5)
			adm := kadm.NewClient(c.Client)
			h.do(ctx, c, adm)
			if err := <-ended; err == nil || !strings.Contains(err.Error(), h.want) {
				t.Fatalf("the engine ended with: %v", err)
			}
			c.haltsAndGoesOn(ctx, adm, h)
		})
	}
}

// holdUp has nothing folded until release is called.
func (c *community) holdUp(ctx context.Context) (release func()) {
	c.T.Helper()
	conn, err := pgx.Connect(ctx, c.Config.Postgres)
	c.do("connect", err)
	tx, err := conn.Begin(ctx)
	c.do("begin", err)
	_, err = tx.Exec(ctx, `SELECT FROM `+pgx.Identifier{c.Config.Group}.Sanitize()+`.fold_offset FOR UPDATE`)
	c.do("lock the fold offsets", err)
	return func() { _ = conn.Close(ctx) }
}

// deleteRecords has retention take all records of the activity topic.
func (c *community) deleteRecords(ctx context.Context, adm *kadm.Client) {
	c.T.Helper()
	ends, err := adm.ListEndOffsets(ctx, c.Config.ActivityTopic)
	c.do("find the end", err)
	_, err = adm.DeleteRecords(ctx, ends.Offsets())
	c.do("delete records", err)
}

func remakeActivity(ctx context.Context, c *community, adm *kadm.Client) {
	c.remake(ctx, adm, c.Config.ActivityTopic)
}

// remake deletes a topic and creates it again.
func (c *community) remake(ctx context.Context, adm *kadm.Client, topic string) {
	c.T.Helper()
	_, err := adm.DeleteTopic(ctx, topic)
	c.do("delete the topic", err)
	size := "4194304"
	c.Until(ctx, "the topic can be created again", func() bool {
		r, err := adm.CreateTopic(ctx, 1, 1, map[string]*string{"max.message.bytes": &size}, topic)
		return err == nil && (r.Err == nil || errors.Is(r.Err, kerr.TopicAlreadyExists))
	})
	// The producer knows the old one.
	c.Client.PurgeTopicsFromClient(topic)
}

func addPartitions(ctx context.Context, c *community, adm *kadm.Client) {
	c.T.Helper()
	_, err := adm.CreatePartitions(ctx, 2, c.Config.ActivityTopic)
	c.do("add partitions", err)
	c.Until(ctx, "the partition is there", func() bool {
		topics, err := adm.ListTopics(ctx, c.Config.ActivityTopic)
		return err == nil && len(topics[c.Config.ActivityTopic].Partitions) == 3
	})
}

// configure sets an entry of a topic's configuration, and waits until the broker
// tells of it, which it does a moment later.
func (c *community) configure(ctx context.Context, adm *kadm.Client, topic, name, value string) {
	c.T.Helper()
	_, err := adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}, topic)
	c.do("set "+name, err)
	c.Until(ctx, name+" is "+value, func() bool {
		configs, err := adm.DescribeTopicConfigs(ctx, topic)
		c.do("read "+name, err)
		for _, config := range configs {
			for _, entry := range config.Configs {
				if entry.Key == name && entry.MaybeValue() == value {
					return true
				}
			}
		}
		return false
	})
}
