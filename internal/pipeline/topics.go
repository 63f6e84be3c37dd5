package pipeline

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	activityMessageBytes   = 4 << 20
	deadLetterMessageBytes = 5 << 20 // an activity record with its reason
	// frameBytes is what a dead letter's headers and framing may add.
	frameBytes = 64 << 10
)

// topic is a topic as the engine found it.
type topic struct {
	id         [16]byte
	partitions int32
}

// ensureTopics creates the topics that are missing and checks those that are
// there. It returns the topics by name.
func ensureTopics(ctx context.Context, cl *kgo.Client, cfg *Config) (map[string]topic, error) {
	if err := checkBroker(ctx, cl, cfg.Brokers); err != nil {
		return nil, err
	}
	adm := kadm.NewClient(cl)
	forever, size, large := "-1", strconv.Itoa(activityMessageBytes), strconv.Itoa(deadLetterMessageBytes)
	wanted := []struct {
		name       string
		partitions int32
		configs    map[string]*string
	}{
		{cfg.ActivityTopic, int32(cfg.Partitions), map[string]*string{"retention.ms": &forever, "max.message.bytes": &size}},
		{cfg.AwardTopic, int32(cfg.Partitions), map[string]*string{"retention.ms": &forever}},
		{cfg.DeadLetterTopic, int32(cfg.Partitions), map[string]*string{"retention.ms": &forever, "max.message.bytes": &large}},
		{cfg.ledgerTopic(), 1, map[string]*string{"retention.ms": &forever}},
		{cfg.controlTopic(), 1, map[string]*string{"retention.ms": &forever}},
	}
	names := make([]string, len(wanted))
	for i, w := range wanted {
		names[i] = w.name
		r, err := adm.CreateTopic(ctx, w.partitions, -1, w.configs, w.name)
		if err == nil {
			err = r.Err
		}
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return nil, errors.Wrapf(err, "create topic %s with %d partitions", w.name, w.partitions)
		}
	}
	// A topic just created takes a moment to be known to every broker.
	var found map[string]topic
	err := patiently(ctx, func() (err error) {
		found, err = describeTopics(ctx, adm, names)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, checkTopicConfigs(ctx, adm, cfg)
}

// checkBroker refuses brokers whose transactions do not fence as the promise
// needs: transaction.version 2, final since Kafka 4.0.
func checkBroker(ctx context.Context, cl *kgo.Client, brokers []string) error {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "badgestream", "1"
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return errors.Wrapf(err, "Kafka does not answer at %s: start it, or set --brokers", strings.Join(brokers, ","))
	}
	level := int16(0)
	for _, f := range resp.FinalizedFeatures {
		if f.Name == "transaction.version" {
			level = f.MaxVersionLevel
		}
	}
	if level < 2 {
		return errors.Newf("Kafka at %s has transaction.version %d: badgestream needs 2, so Kafka 4.0 or newer; upgrade it, or finalize the feature with kafka-features.sh upgrade --feature transaction.version=2",
			strings.Join(brokers, ","), level)
	}
	return nil
}

func describeTopics(ctx context.Context, adm *kadm.Client, names []string) (map[string]topic, error) {
	details, err := adm.ListTopics(ctx, names...)
	if err != nil {
		return nil, errors.Wrapf(err, "describe topics %s", strings.Join(names, ", "))
	}
	found := map[string]topic{}
	for _, name := range names {
		d, ok := details[name]
		if !ok || d.Err != nil {
			return nil, errors.Wrapf(cmp.Or(d.Err, error(kerr.UnknownTopicOrPartition)), "topic %s is missing: run `badgestream init`, or create it", name)
		}
		found[name] = topic{id: [16]byte(d.ID), partitions: int32(len(d.Partitions))}
	}
	return found, nil
}

// checkTopicConfigs refuses topics that would break the promise: a compacted
// log cannot be folded again, and a dead letter must fit.
func checkTopicConfigs(ctx context.Context, adm *kadm.Client, cfg *Config) error {
	configs, err := adm.DescribeTopicConfigs(ctx, cfg.ActivityTopic, cfg.DeadLetterTopic)
	if err != nil {
		return errors.Wrapf(err, "read the settings of topics %s and %s", cfg.ActivityTopic, cfg.DeadLetterTopic)
	}
	size := map[string]int{}
	for _, r := range configs {
		if r.Err != nil {
			return errors.Wrapf(r.Err, "read the settings of topic %s", r.Name)
		}
		for _, c := range r.Configs {
			if c.Value == nil {
				continue
			}
			switch c.Key {
			case "cleanup.policy":
				if r.Name == cfg.ActivityTopic && strings.Contains(*c.Value, "compact") {
					return errors.Newf("topic %s is compacted (cleanup.policy=%s): compaction takes events out of the log, which then gives other badges; set cleanup.policy=delete", r.Name, *c.Value)
				}
			case "max.message.bytes":
				size[r.Name], _ = strconv.Atoi(*c.Value)
			}
		}
	}
	if need := size[cfg.ActivityTopic] + frameBytes; size[cfg.DeadLetterTopic] > 0 && size[cfg.DeadLetterTopic] < need {
		return errors.Newf("topic %s takes records of up to %d bytes, and a dead letter from %s may have %d: set its max.message.bytes to at least that", cfg.DeadLetterTopic, size[cfg.DeadLetterTopic], cfg.ActivityTopic, need)
	}
	return nil
}

// isolated is what every reader of ours needs: records of committed
// transactions, up to the last stable offset.
func isolated(cfg *Config) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	}
}

// batchBytes is how large a produced batch of a topic may be.
func (c *Config) batchBytes(topic string) int32 {
	if topic == c.DeadLetterTopic {
		return deadLetterMessageBytes
	}
	return 1_000_000
}

// fenced reports whether Kafka says that this group member, or this
// transactional id, was replaced.
func fenced(err error) bool {
	for _, code := range []*kerr.Error{kerr.FencedInstanceID, kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.UnknownMemberID, kerr.IllegalGeneration} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}
