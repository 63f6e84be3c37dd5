package telemetry

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Pipeline is the engine's figures. Its methods are called once a batch, and
// none of those allocates once it has met its labels. Counts are kept as plain
// numbers, which /metrics and Totals read.
type Pipeline struct {
	totals  totals
	batches durations
	partitions
	types eventTypes
	instruments

	mu      sync.Mutex
	retries map[string]*atomic.Int64 // by reason
}

// newPipeline makes the figures known to the meter. It fails if the meter
// refuses a name.
func newPipeline(meter metric.Meter) (*Pipeline, error) {
	p := &Pipeline{
		partitions: partitions{byKey: map[partitionKey]*partition{}},
		types: eventTypes{
			known: map[string]*eventType{}, unknown: map[string]*eventType{},
		},
		retries: map[string]*atomic.Int64{},
	}
	var err error
	p.instruments, err = newInstruments(meter)
	if err != nil {
		return nil, err
	}
	return p, p.observe(meter)
}

// Folded tells of one partition's part of a batch that is committed: how many
// records it took from the log, how many of these were duplicates, of unknown
// type and rejected, and how long the fold and its transaction took. A batch
// of several partitions tells its time with one of them, and 0 with the others.
func (p *Pipeline) Folded(ctx context.Context, topic string, partition int32, events, duplicates, unknown, rejected int64, d time.Duration) {
	part := p.partition(topic, partition)
	part.events.Add(events)
	part.duplicates.Add(duplicates)
	part.rejected.Add(rejected)
	p.totals.events.Add(events)
	p.totals.duplicates.Add(duplicates)
	p.totals.unknown.Add(unknown)
	p.totals.rejected.Add(rejected)
	if d > 0 {
		p.foldTime.Record(ctx, d.Seconds())
	}
}

// Awards tells how many badges a committed batch awarded and revoked.
func (p *Pipeline) Awards(_ context.Context, awarded, revoked int64) {
	p.totals.awarded.Add(awarded)
	p.totals.revoked.Add(revoked)
}

// Snapshots tells that n snapshots were acknowledged, and how long that took.
func (p *Pipeline) Snapshots(ctx context.Context, n int, d time.Duration) {
	p.totals.snapshots.Add(int64(n))
	p.snapshotTime.Record(ctx, d.Seconds())
}

// Published tells how long a committed Kafka transaction took.
func (p *Pipeline) Published(ctx context.Context, d time.Duration) {
	p.publishTime.Record(ctx, d.Seconds())
}

// Batch tells of a whole batch: its records, and its time from the end of the
// poll to the last commit.
func (p *Pipeline) Batch(ctx context.Context, size int, d time.Duration) {
	p.totals.batches.Add(1)
	p.batches.add(d)
	p.batchSize.Record(ctx, int64(size))
	p.batchTime.Record(ctx, d.Seconds())
}

// Retry tells that something is tried again. Reasons are few and fixed in
// code: deadlock, serialization, redis, kafka, ….
func (p *Pipeline) Retry(_ context.Context, reason string) {
	p.mu.Lock()
	n := p.retries[reason]
	if n == nil {
		n = new(atomic.Int64)
		p.retries[reason] = n
	}
	p.mu.Unlock()
	n.Add(1)
}

// Refresh tells that the snapshots of so many users were written again, after
// Redis was flushed or away, and how long the whole took.
func (p *Pipeline) Refresh(ctx context.Context, users int, d time.Duration) {
	p.totals.refreshed.Add(int64(users))
	p.refreshTime.Record(ctx, d.Seconds())
}

func (p *Pipeline) observeRetries(o metric.Observer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for reason, n := range p.retries {
		o.ObserveInt64(p.retried, n.Load(), metric.WithAttributes(attribute.String("reason", reason)))
	}
}
