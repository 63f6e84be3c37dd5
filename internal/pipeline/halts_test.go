package pipeline_test

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
)

// harm is something done to the servers that the engine cannot mend, and what
// its sentence says that a person can do.
type harm struct {
	name string
	do   func(ctx context.Context, c *community, adm *kadm.Client)
	want string
	// then does what the sentence names.
	then func(ctx context.Context, c *community, adm *kadm.Client)
}

func harms(servers func(testing.TB) *stacktest.Stack) []harm {
	return []harm{
		{"records lost to retention", func(ctx context.Context, c *community, adm *kadm.Client) {
			c.Produce(visits(5, "u2")...)
			c.deleteRecords(ctx, adm)
		}, "are gone from the log", beginAnew},
		{"topic made anew", remakeActivity, "was deleted and created again", beginAnew},
		{"more partitions", addPartitions, "had 1 partitions when folding began and has 3 now", beginAnew},
		{"compacted", func(ctx context.Context, c *community, adm *kadm.Client) {
			c.configure(ctx, adm, c.Config.ActivityTopic, "cleanup.policy", "compact")
		}, "is compacted", func(ctx context.Context, c *community, adm *kadm.Client) {
			c.configure(ctx, adm, c.Config.ActivityTopic, "cleanup.policy", "delete")
		}},
		{"dead letters too small", func(ctx context.Context, c *community, adm *kadm.Client) {
			c.configure(ctx, adm, c.Config.DeadLetterTopic, "max.message.bytes", "1000000")
		}, "set its max.message.bytes", func(ctx context.Context, c *community, adm *kadm.Client) {
			c.configure(ctx, adm, c.Config.DeadLetterTopic, "max.message.bytes", strconv.Itoa(4<<20+64<<10))
		}},
		{"group deleted", func(ctx context.Context, c *community, adm *kadm.Client) {
			_, err := adm.DeleteGroup(ctx, c.Config.Group)
			c.do("delete the group", err)
		}, "has lost its committed offset", commitWhatItNames},
		{"one offset expired", func(ctx context.Context, c *community, adm *kadm.Client) {
			_, err := adm.DeleteOffsets(ctx, c.Config.Group, kadm.TopicsSet{c.Config.ActivityTopic: {0: {}}})
			c.do("delete an offset", err)
		}, "has lost its committed offset", commitWhatItNames},
		{"another database", func(_ context.Context, c *community, _ *kadm.Client) {
			c.Config.Postgres = servers(c.T).PostgresURL
		}, "Postgres knows nothing of it", beginAnew},
		{"another award topic", func(_ context.Context, c *community, _ *kadm.Client) {
			c.Config.AwardTopic += "-other"
		}, "publishes badge events to", func(_ context.Context, c *community, _ *kadm.Client) {
			c.Config.AwardTopic = strings.TrimSuffix(c.Config.AwardTopic, "-other")
		}},
		{"another dead-letter topic", func(_ context.Context, c *community, _ *kadm.Client) {
			c.Config.DeadLetterTopic += "-other"
		}, "publishes dead letters to", func(_ context.Context, c *community, _ *kadm.Client) {
			c.Config.DeadLetterTopic = strings.TrimSuffix(c.Config.DeadLetterTopic, "-other")
		}},
		{"another activity topic", func(_ context.Context, c *community, _ *kadm.Client) {
			c.Config.ActivityTopic += "-other"
		}, "folds topic", func(_ context.Context, c *community, _ *kadm.Client) {
			c.Config.ActivityTopic = strings.TrimSuffix(c.Config.ActivityTopic, "-other")
		}},
		{"award topic made anew", func(ctx context.Context, c *community, adm *kadm.Client) {
			c.remake(ctx, adm, c.Config.AwardTopic)
		}, "was deleted and created again: the badge events", beginAnew},
	}
}

// testHalts does to the servers what cannot be mended, wants the engine to stop
// and to say what happened, does what it says, and wants it to go on to a sound
// end. Each harm meets a group that has folded five events.
func testHalts(t *testing.T, servers func(testing.TB) *stacktest.Stack) {
	for _, h := range harms(servers) {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			c := found(t, servers(t), grouptest.Catalog(t, "starview"), 1)
			ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
			defer cancel()
			c.Produce(visits(5, "u1")...)
			c.Drain()
			adm := kadm.NewClient(c.Client)
			groups, err := adm.DescribeGroups(ctx, c.Config.Group)
			if err != nil {
				t.Fatal(err)
			}
			if state := groups[c.Config.Group].State; state != "Empty" {
				t.Errorf("the group is %s after the engine stopped: it did not leave", state)
			}
			h.do(ctx, c, adm)
			c.haltsAndGoesOn(ctx, adm, h)
		})
	}
}

// haltsAndGoesOn wants the engine to halt, and to go on after what it says.
func (c *community) haltsAndGoesOn(ctx context.Context, adm *kadm.Client, h harm) {
	c.T.Helper()
	if _, err := pipeline.Run(ctx, c.Config, c.Catalog, c.Telemetry()); err == nil || !strings.Contains(err.Error(), h.want) {
		c.T.Fatalf("the engine ended with: %v", err)
	}
	h.then(ctx, c, adm)
	after := visits(7, "after")
	for _, r := range after {
		r.Key = []byte("after") // a topic that is not compacted any more may not know it yet
	}
	c.Produce(after...)
	c.Drain()
	c.Verify()
	badges := 0
	for _, b := range c.Badges() {
		if b.User == "after" {
			badges++
		}
	}
	if badges != 2 {
		c.T.Errorf("after the halt %d badges were given, want 2", badges)
	}
}

// beginAnew takes another group, with topics of its own, as docs/operations.md
// has it.
func beginAnew(_ context.Context, c *community, _ *kadm.Client) {
	c.Config.Group += "2"
	c.Config.AwardTopic += "2"
	c.Config.DeadLetterTopic += "2"
}

// commitWhatItNames runs the engine, commits the offset that its sentence
// names, and so on until it names none.
func commitWhatItNames(ctx context.Context, c *community, adm *kadm.Client) {
	pattern := regexp.MustCompile(`committed offset of (\S+)/(\d+) .* --to-offset (\d+)`)
	for range 3 {
		cfg := c.Config
		cfg.Drain = true
		_, err := pipeline.Run(ctx, cfg, c.Catalog, c.Telemetry())
		if err == nil {
			return
		}
		found := pattern.FindStringSubmatch(err.Error())
		if found == nil {
			c.T.Fatalf("the sentence names no offset to commit: %v", err)
		}
		partition, _ := strconv.Atoi(found[2])
		at, _ := strconv.ParseInt(found[3], 10, 64)
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: found[1], Partition: int32(partition), At: at, LeaderEpoch: -1})
		c.do("commit the offset", adm.CommitAllOffsets(ctx, c.Config.Group, offsets))
	}
	c.T.Fatal("the engine halts again and again")
}

func TestRealHalts(t *testing.T) {
	stacktest.NeedReal(t)
	testHalts(t, stacktest.Real)
}

func TestHalts(t *testing.T) { testHalts(t, stacktest.Embedded) }
