package bench

import (
	"context"
	"strconv"
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

// log is where a workload stands: all of it in one topic, the plain consumer's
// part of it in another one.
type log struct{ whole, part string }

// sameLog is the workload without what its events do not depend on.
func (w Workload) sameLog() Workload {
	w.Rounds, w.Catalog = 0, ""
	return w
}

// log gives the topics that hold the workload. They are made and filled when
// they are asked for the first time.
func (b *bench) log(ctx context.Context) (log, error) {
	key := b.Workload.sameLog()
	if l, there := b.logs[key]; there {
		return l, nil
	}
	name := b.prefix + ".activity-" + strconv.Itoa(len(b.logs)+1)
	l := log{whole: name, part: name + "-part"}
	// The engine makes the topic, with the settings that it wants.
	group := b.prefix + ".fill"
	if _, err := b.execute(ctx, append([]string{"init"}, b.settings(group, l.whole)...)); err != nil {
		return log{}, err
	}
	if err := b.Servers.sweep(ctx, group); err != nil {
		return log{}, err
	}
	if err := b.createPart(ctx, l.part); err != nil {
		return log{}, err
	}
	began := time.Now()
	if err := b.fill(ctx, l); err != nil {
		return log{}, err
	}
	b.logs[key] = l
	b.say("wrote %s of %s in %.1f s", plural(b.Workload.Events, "event"), plural(int64(b.Workload.Users), "user"), time.Since(began).Seconds())
	return l, nil
}

// fill writes the workload. The plain consumer's part is spread evenly over
// the whole: the beginning of a history is all registrations, which cost
// little.
func (b *bench) fill(ctx context.Context, l log) error {
	world, err := traffic.New(b.Workload.world())
	if err != nil {
		return err
	}
	const unlimited = 0
	whole, err := feed.OpenSender(ctx, b.Servers.Brokers, l.whole, unlimited)
	if err != nil {
		return err
	}
	defer whole.Close()
	part, err := feed.OpenSender(ctx, b.Servers.Brokers, l.part, unlimited)
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

// createPart makes the topic of the plain consumer's part, and waits until the
// broker knows of it: Kafka answers before it does.
func (b *bench) createPart(ctx context.Context, topic string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Servers.Brokers...))
	if err != nil {
		return errors.Wrap(err, "make a Kafka client")
	}
	defer client.Close()
	adm := kadm.NewClient(client)
	if _, err := adm.CreateTopic(ctx, int32(b.Workload.Partitions), -1, nil, topic); err != nil {
		return errors.Wrapf(err, "create topic %s with %d partitions", topic, b.Workload.Partitions)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		topics, err := adm.ListTopics(ctx, topic)
		if err == nil && topics[topic].Err == nil && len(topics[topic].Partitions) == b.Workload.Partitions {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.Wrapf(errors.CombineErrors(ctx.Err(), err), "wait for topic %s", topic)
		}
	}
}
