package crash

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/traffic"
)

// A part of the events is produced before each fault, and one after the last.
const (
	partEvents = 240
	users      = 40
)

// stream makes events of a few users who credit one another across partitions,
// so that badges come and go. A few records are no events, and a few come twice.
func stream(topic string, seed uint64, events int) ([]*kgo.Record, error) {
	world, err := traffic.New(traffic.Config{Seed: seed, Users: users, Skew: 1.1})
	if err != nil {
		return nil, errors.Wrap(err, "make traffic")
	}
	rng := rand.New(rand.NewPCG(seed, 3))
	records := make([]*kgo.Record, 0, events)
	for i := range events {
		if i > 0 && rng.IntN(50) == 0 {
			again := *records[i-1]
			records = append(records, &again)
			continue
		}
		e := world.Next(1_793_491_200_000_000 + int64(i)*1_000_000)
		r := &kgo.Record{Topic: topic, Key: []byte(e.Subject), Value: e.AppendStructured(nil),
			Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json")}}}
		if rng.IntN(50) == 0 {
			r.Value = r.Value[:len(r.Value)/2]
		}
		records = append(records, r)
	}
	return records, nil
}

// produce produces a part of the events.
func (x *run) produce(ctx context.Context, part int) error {
	if err := x.kafka.ProduceSync(ctx, x.parts[part]...).FirstErr(); err != nil {
		return errors.Wrap(err, "produce events")
	}
	x.sent += int64(len(x.parts[part]))
	return nil
}

// published waits until the group's committed offsets have reached the ends.
func (x *run) published(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		offsets, err := x.adm.FetchOffsets(ctx, x.cfg.Group)
		sum := int64(0)
		for _, o := range offsets[x.cfg.ActivityTopic] {
			sum += max(0, o.At)
		}
		if err == nil && sum >= x.sent {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return errors.Newf("%d of %d events are published, and no more are; the engine ended so: %q (%v)", sum, x.sent, x.engine.endings(), err)
		}
	}
}
