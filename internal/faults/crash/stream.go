package crash

import (
	"math/rand/v2"

	"github.com/badgestream/badgestream/internal/traffic"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"
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
