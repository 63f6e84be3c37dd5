package main

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/badgestream/badgestream/internal/traffic"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"
)

// source produces events: one in a hundred is none, and one in fifty was
// produced before.
type source struct {
	rate   int
	world  *traffic.World
	rng    *rand.Rand
	cl     *kgo.Client
	recent []*kgo.Record
	at     int64        // of the next event, in Unix microseconds
	sent   atomic.Int64 // acknowledged
}

const (
	users = 400
	began = 1_793_491_200_000_000
	// remembered is how many records may be produced again.
	remembered = 500
)

func newSource(seed uint64, rate int, brokers []string) (*source, error) {
	world, err := traffic.New(traffic.Config{Seed: seed, Users: users, Skew: 1.1})
	if err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(activity), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.RecordDeliveryTimeout(2*time.Minute))
	return &source{rate: rate, world: world, rng: rand.New(rand.NewPCG(seed, 3)), cl: cl, at: began}, errors.Wrap(err, "make a Kafka client")
}

func (s *source) close() { s.cl.Close() }

// flow produces until the context ends, and waits for what is under way.
func (s *source) flow(ctx context.Context) error {
	const beat = 50 * time.Millisecond
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		batch := make([]*kgo.Record, 0, s.rate)
		for range max(1, s.rate*int(beat/time.Millisecond)/1000) {
			batch = append(batch, s.record())
		}
		// The client repeats until the broker has it, once.
		if err := s.cl.ProduceSync(context.WithoutCancel(ctx), batch...).FirstErr(); err != nil {
			return errors.Wrap(err, "produce events")
		}
		s.sent.Add(int64(len(batch)))
	}
}

func (s *source) record() *kgo.Record {
	if len(s.recent) == remembered && s.rng.IntN(50) == 0 {
		old := s.recent[s.rng.IntN(remembered)]
		return &kgo.Record{Key: old.Key, Value: old.Value, Headers: old.Headers}
	}
	s.at += int64(time.Second / time.Duration(s.rate) / time.Microsecond)
	e := s.world.Next(s.at)
	r := &kgo.Record{Key: []byte(e.Subject), Value: e.AppendStructured(nil), Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json")}}}
	if s.rng.IntN(100) == 0 {
		r.Value = r.Value[:len(r.Value)/2]
	}
	if len(s.recent) == remembered {
		s.recent[s.rng.IntN(remembered)] = r
	} else {
		s.recent = append(s.recent, r)
	}
	return r
}
