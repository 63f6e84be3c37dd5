package grouptest

import (
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/traffic"
)

// crowdBegins is the time of a crowd's first event, in Unix microseconds.
const crowdBegins = 1_793_491_200_000_000

// Crowd makes events of a few users who credit one another across partitions,
// so that badges come and go with how partitions interleave; one record in a
// hundred is cut short, and no event.
func Crowd(t testing.TB, seed uint64, users, events int) []*kgo.Record {
	t.Helper()
	world, err := traffic.New(traffic.Config{Seed: seed, Users: users, Skew: 1.1})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	records := make([]*kgo.Record, 0, events)
	for i := range events {
		e := world.Next(crowdBegins + int64(i)*1_000_000)
		r := &kgo.Record{Key: []byte(e.Subject), Value: e.AppendStructured(nil), Headers: Structured()}
		if rng.IntN(100) == 0 {
			r.Value = r.Value[:len(r.Value)/2]
		}
		records = append(records, r)
	}
	return records
}

// Structured are the headers of a record in structured mode.
func Structured() []kgo.RecordHeader {
	return []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json")}}
}
