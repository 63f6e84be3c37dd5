// Package feed is Kafka as people's commands use it: activity events go in at
// one end, badge events come out at the other.
package feed

import (
	"context"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// patience is how long a server may take to answer the first time.
const patience = 10 * time.Second

// Connect makes a client for somebody's command, and checks that a broker
// answers. The error is one sentence if none does.
func Connect(ctx context.Context, brokers []string, opts ...kgo.Opt) (*kgo.Client, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(brokers...)}, opts...)...)
	if err != nil {
		return nil, errors.Wrap(err, "make a Kafka client")
	}
	answer, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := client.Ping(answer); err != nil {
		client.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, errors.Wrapf(err, "Kafka does not answer at %s: start it, or set --brokers", strings.Join(brokers, ","))
	}
	return client, nil
}

// checkTopic says whether the topic is there.
func checkTopic(ctx context.Context, adm *kadm.Client, topic string) error {
	found, err := adm.ListTopics(ctx, topic)
	if err != nil {
		return errors.Wrapf(err, "describe topic %s", topic)
	}
	if d, ok := found[topic]; !ok || d.Err != nil {
		return errors.Newf("topic %s is missing: run `badgestream init`, or create it", topic)
	}
	return nil
}
