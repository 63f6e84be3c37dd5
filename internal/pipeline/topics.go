package pipeline

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// activityMessageBytes lets an event of more than badgestream takes reach
	// it, so that it is rejected with a reason and not by the broker.
	activityMessageBytes = 4 << 20
	// frameBytes is what a dead letter's headers and framing may add.
	frameBytes = 64 << 10
	// producedBytes is how large a produced batch may be, but for dead letters.
	producedBytes = 1_000_000
)

// topic is a topic as the engine found it.
type topic struct {
	id         [16]byte
	partitions int32
	maxBytes   int32 // of a batch that is produced to it
}

// ensureTopics creates the topics that are missing and checks those that are
// there. It returns the topics by name.
func ensureTopics(ctx context.Context, cl *kgo.Client, cfg *Config) (map[string]topic, error) {
	if err := checkBroker(ctx, cl, cfg.Brokers); err != nil {
		return nil, err
	}
	adm := kadm.NewClient(cl)
	for _, own := range []struct {
		name       string
		partitions int
		settings   map[string]string
	}{
		{cfg.ActivityTopic, cfg.Partitions, map[string]string{"max.message.bytes": strconv.Itoa(activityMessageBytes)}},
		{cfg.AwardTopic, cfg.Partitions, forgetful(map[string]string{})},
		{cfg.ledgerTopic(), 1, nil},
		{cfg.controlTopic(), 1, nil},
	} {
		if err := createTopic(ctx, adm, own.name, own.partitions, own.settings); err != nil {
			return nil, err
		}
	}
	largest, err := checkActivity(ctx, adm, cfg)
	if err != nil {
		return nil, err
	}
	if err := createTopic(ctx, adm, cfg.DeadLetterTopic, cfg.Partitions, forgetful(map[string]string{"max.message.bytes": strconv.Itoa(largest + frameBytes)})); err != nil {
		return nil, err
	}
	if err := checkDeadLetters(ctx, adm, cfg, largest+frameBytes); err != nil {
		return nil, err
	}
	found, err := describeTopics(ctx, adm, cfg.ActivityTopic, cfg.AwardTopic, cfg.ledgerTopic(), cfg.controlTopic(), cfg.DeadLetterTopic)
	if err != nil {
		return nil, err
	}
	letters := found[cfg.DeadLetterTopic]
	letters.maxBytes = int32(largest + frameBytes)
	found[cfg.DeadLetterTopic] = letters
	return found, nil
}

// forgetWithin is how long a badge event or a dead letter may outlive its
// tombstone.
const forgetWithin = 24 * time.Hour

// forgetful adds the settings of a topic that can forget single records: it is
// compacted, which removes nothing else, as each record has a key of its own.
func forgetful(settings map[string]string) map[string]string {
	settings["cleanup.policy"] = "compact"
	settings["max.compaction.lag.ms"] = strconv.FormatInt(forgetWithin.Milliseconds(), 10)
	return settings
}

// createTopic creates a topic unless it is there, with the broker's own
// replication. Its records stay for ever: they can all be folded again.
func createTopic(ctx context.Context, adm *kadm.Client, name string, partitions int, settings map[string]string) error {
	configs := map[string]*string{"retention.ms": kadm.StringPtr("-1")}
	for key, value := range settings {
		configs[key] = &value
	}
	r, err := adm.CreateTopic(ctx, int32(partitions), -1, configs, name)
	if err == nil {
		err = r.Err
	}
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return errors.Wrapf(err, "create topic %s with %d partitions", name, partitions)
}

// describeTopics waits for topics just created to be known to every broker.
func describeTopics(ctx context.Context, adm *kadm.Client, names ...string) (found map[string]topic, err error) {
	err = patiently(ctx, func() error {
		details, err := adm.ListTopics(ctx, names...)
		if err != nil {
			return errors.Wrapf(err, "describe topics %s", strings.Join(names, ", "))
		}
		found = map[string]topic{}
		for _, name := range names {
			d, ok := details[name]
			if !ok || d.Err != nil {
				return errors.Wrapf(cmp.Or(d.Err, error(kerr.UnknownTopicOrPartition)), "topic %s is missing: run `badgestream init`, or create it", name)
			}
			found[name] = topic{id: [16]byte(d.ID), partitions: int32(len(d.Partitions)), maxBytes: producedBytes}
		}
		return nil
	})
	return found, err
}

// checkActivity refuses a log that cannot be folded again, and returns how
// many bytes its records may have.
func checkActivity(ctx context.Context, adm *kadm.Client, cfg *Config) (largest int, err error) {
	settings, err := topicSettings(ctx, adm, cfg.ActivityTopic)
	if err != nil {
		return 0, err
	}
	if policy := settings["cleanup.policy"]; strings.Contains(policy, "compact") {
		return 0, errors.Newf("topic %s is compacted (cleanup.policy=%s): compaction takes events out of the log, which then gives other badges; set cleanup.policy=delete", cfg.ActivityTopic, policy)
	}
	largest, err = strconv.Atoi(settings["max.message.bytes"])
	return largest, errors.Wrapf(err, "read max.message.bytes of topic %s", cfg.ActivityTopic)
}

// checkDeadLetters refuses a topic that a dead letter would not fit into: its
// partition would stand still.
func checkDeadLetters(ctx context.Context, adm *kadm.Client, cfg *Config, need int) error {
	settings, err := topicSettings(ctx, adm, cfg.DeadLetterTopic)
	if err != nil {
		return err
	}
	if fits, err := strconv.Atoi(settings["max.message.bytes"]); err == nil && fits < need {
		return errors.Newf("topic %s takes records of up to %d bytes, and a dead letter from %s may have %d: set its max.message.bytes to at least that", cfg.DeadLetterTopic, fits, cfg.ActivityTopic, need)
	}
	return nil
}

func topicSettings(ctx context.Context, adm *kadm.Client, name string) (settings map[string]string, err error) {
	err = patiently(ctx, func() error {
		configs, err := adm.DescribeTopicConfigs(ctx, name)
		if err != nil {
			return err
		}
		settings = map[string]string{}
		for _, r := range configs {
			if r.Err != nil {
				return r.Err
			}
			for _, c := range r.Configs {
				if c.Value != nil {
					settings[c.Key] = *c.Value
				}
			}
		}
		return nil
	})
	return settings, errors.Wrapf(err, "read the settings of topic %s", name)
}
