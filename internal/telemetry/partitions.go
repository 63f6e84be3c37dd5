package telemetry

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

type partitionKey struct {
	topic     string
	partition int32
}

// partitions holds what is told of each partition of the activity topic.
type partitions struct {
	mu    sync.Mutex
	byKey map[partitionKey]*partition
}

type partition struct {
	labels                       metric.MeasurementOption
	events, duplicates, rejected atomic.Int64

	// The lag is guarded by partitions.mu.
	hasLag     bool
	lagOffsets int64
	lagSeconds float64
	measured   time.Time
}

// partition finds a partition's figures, or starts them.
func (ps *partitions) partition(topic string, number int32) *partition {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.locked(topic, number)
}

func (ps *partitions) locked(topic string, number int32) *partition {
	key := partitionKey{topic, number}
	p := ps.byKey[key]
	if p == nil {
		p = &partition{labels: metric.WithAttributeSet(attribute.NewSet(
			attribute.String("topic", topic), attribute.Int("partition", int(number))))}
		ps.byKey[key] = p
	}
	return p
}

// SetLag tells how far behind a partition's owner is: in records up to the
// last stable offset, and the age of the oldest of them in seconds, by its
// timestamp; 0 and 0 if there is none. While records wait, their age goes on
// rising by itself until the next call.
func (ps *partitions) SetLag(topic string, number int32, offsets int64, seconds float64) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.locked(topic, number)
	p.hasLag, p.lagOffsets, p.lagSeconds, p.measured = true, offsets, max(seconds, 0), time.Now()
}

// DropLag tells that the partition is no longer ours: its lag is another
// process's to tell. What was counted stays.
func (ps *partitions) DropLag(topic string, number int32) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.locked(topic, number).hasLag = false
}

// Lag is how far behind one partition is.
type Lag struct {
	Topic     string
	Partition int32
	// Offsets is how many records wait.
	Offsets int64
	// Seconds is the age of the oldest of them.
	Seconds float64
	// Age is how long ago this was measured.
	Age time.Duration
}

// Lags lists the partitions that are ours, by topic and number.
func (ps *partitions) Lags() []Lag {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var lags []Lag
	for key, p := range ps.byKey {
		if p.hasLag {
			lags = append(lags, p.lag(key))
		}
	}
	slices.SortFunc(lags, func(a, b Lag) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition - b.Partition)
	})
	return lags
}

func (p *partition) lag(key partitionKey) Lag {
	l := Lag{
		Topic: key.topic, Partition: key.partition,
		Offsets: p.lagOffsets, Seconds: p.lagSeconds, Age: time.Since(p.measured),
	}
	if l.Offsets > 0 {
		l.Seconds += l.Age.Seconds()
	}
	return l
}

func (p *Pipeline) observePartitions(o metric.Observer) {
	ps := &p.partitions
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for key, part := range ps.byKey {
		o.ObserveInt64(p.events, part.events.Load(), part.labels)
		o.ObserveInt64(p.duplicates, part.duplicates.Load(), part.labels)
		o.ObserveInt64(p.rejected, part.rejected.Load(), part.labels)
		if part.hasLag {
			l := part.lag(key)
			o.ObserveInt64(p.lagOffsets, l.Offsets, part.labels)
			o.ObserveFloat64(p.lagSeconds, l.Seconds, part.labels)
			o.ObserveFloat64(p.lagAge, l.Age.Seconds(), part.labels)
		}
	}
}
