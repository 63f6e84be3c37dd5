package bench

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/feed"
	"github.com/badgestream/badgestream/internal/traffic"
)

// The events' times: they begin with this instant and are this far apart, as
// those of `badgestream load`.
const (
	firstEvent = 1_767_225_600_000_000 // 2026-01-01T00:00:00Z in Unix microseconds
	eventStep  = 20 * time.Millisecond
)

// fill writes the workload to the activity topic, and the plain consumer's
// part of it to one of its own. The part is spread evenly over the whole: the
// beginning of a history is all registrations, which cost little.
func (b *bench) fill(ctx context.Context) error {
	world, err := traffic.New(b.Workload.world())
	if err != nil {
		return err
	}
	const unlimited = 0
	whole, err := feed.OpenSender(ctx, b.Servers.Brokers, b.topic(), unlimited)
	if err != nil {
		return err
	}
	defer whole.Close()
	part, err := feed.OpenSender(ctx, b.Servers.Brokers, b.partTopic(), unlimited)
	if err != nil {
		return err
	}
	defer part.Close()
	for n := range b.Workload.Events {
		e := world.Next(firstEvent + n*eventStep.Microseconds())
		if err := whole.Send(ctx, n+1, feed.Traffic(&e)); err != nil {
			return err
		}
		if b.Workload.inPart(n) {
			if err := part.Send(ctx, n+1, feed.Traffic(&e)); err != nil {
				return err
			}
		}
	}
	return errors.CombineErrors(whole.Finish(), part.Finish())
}

// inPart says whether the plain consumer gets event n, from 0.
func (w *Workload) inPart(n int64) bool {
	return (n+1)*w.PlainEvents/w.Events > n*w.PlainEvents/w.Events
}

// createPart makes the topic of the plain consumer's part.
func (b *bench) createPart(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Servers.Brokers...))
	if err != nil {
		return errors.Wrap(err, "make a Kafka client")
	}
	defer client.Close()
	_, err = kadm.NewClient(client).CreateTopic(ctx, int32(b.Workload.Partitions), -1, nil, b.partTopic())
	return errors.Wrapf(err, "create topic %s with %d partitions", b.partTopic(), b.Workload.Partitions)
}
