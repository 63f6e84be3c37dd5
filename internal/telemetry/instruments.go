package telemetry

import (
	"context"

	"github.com/cockroachdb/errors"
	"go.opentelemetry.io/otel/metric"
)

// instruments are the metrics by OpenTelemetry's names. Prometheus reads dots
// as underscores and appends unit and _total. docs/metrics.md explains each.
type instruments struct {
	events, duplicates, rejected  metric.Int64ObservableCounter
	awarded, revoked              metric.Int64ObservableCounter
	snapshots, refreshed, retried metric.Int64ObservableCounter
	eventsByType, unknownTypes    metric.Int64ObservableCounter
	lagOffsets                    metric.Int64ObservableGauge
	lagSeconds, lagAge, silence   metric.Float64ObservableGauge
	foldTime, snapshotTime        metric.Float64Histogram
	publishTime, batchTime        metric.Float64Histogram
	refreshTime                   metric.Float64Histogram
	batchSize                     metric.Int64Histogram
}

func newInstruments(meter metric.Meter) (instruments, error) {
	m := maker{meter: meter}
	// Seconds from a small live batch to the transaction time-out, minutes for
	// a refresh of all users, and the records of a batch.
	batchSeconds := metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10)
	refreshSeconds := metric.WithExplicitBucketBoundaries(.1, .5, 1, 5, 10, 30, 60, 300, 600, 1800)
	batchRecords := metric.WithExplicitBucketBoundaries(1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000)
	i := instruments{
		events:       m.counter("badgestream.events", "{event}", "Records folded, whatever became of them."),
		duplicates:   m.counter("badgestream.duplicates", "{event}", "Records passed over because their source and id came before."),
		rejected:     m.counter("badgestream.rejected", "{event}", "Records rejected, with their reason, to the dead-letter topic."),
		awarded:      m.counter("badgestream.badges.awarded", "{badge}", "Badges awarded."),
		revoked:      m.counter("badgestream.badges.revoked", "{badge}", "Badges revoked."),
		snapshots:    m.counter("badgestream.snapshots", "{snapshot}", "Progress snapshots written by batches, as Redis acknowledged them."),
		refreshed:    m.counter("badgestream.snapshots.refreshed", "{snapshot}", "Progress snapshots written again after Redis was flushed or away."),
		retried:      m.counter("badgestream.retries", "{retry}", "Attempts that failed and were made again, by reason."),
		eventsByType: m.counter("badgestream.type.events", "{event}", "Records folded, by event type of the catalogue."),
		unknownTypes: m.counter("badgestream.type.unknown", "{event}", "Records passed over because their event type is not in the catalogue."),
		lagOffsets:   m.gauge("badgestream.lag.offsets", "{offset}", "Records of the partition that wait to be folded."),
		lagSeconds:   m.seconds("badgestream.lag", "Age of the partition's oldest record that waits to be folded."),
		lagAge:       m.seconds("badgestream.lag.age", "Time since the partition's lag was measured."),
		silence:      m.seconds("badgestream.type.silence", "Time since the newest record of an event type of the catalogue."),
		foldTime:     m.histogram("badgestream.fold", "Time of a batch's fold, with its Postgres transaction.", batchSeconds),
		snapshotTime: m.histogram("badgestream.snapshots.write", "Time of a batch's writes to Redis.", batchSeconds),
		publishTime:  m.histogram("badgestream.publish", "Time of a batch's Kafka transaction.", batchSeconds),
		batchTime:    m.histogram("badgestream.batch", "Time of a whole batch, from the end of the poll to the last commit.", batchSeconds),
		refreshTime:  m.histogram("badgestream.refresh", "Time of a refresh of all snapshots.", refreshSeconds),
		batchSize:    m.sizes("badgestream.batch.size", "{event}", "Records of a batch.", batchRecords),
	}
	return i, errors.Wrap(m.err, "making the instruments")
}

// observe has the counts read whenever the metrics are.
func (p *Pipeline) observe(meter metric.Meter) error {
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		t := p.Totals()
		o.ObserveInt64(p.awarded, t.Awarded)
		o.ObserveInt64(p.revoked, t.Revoked)
		o.ObserveInt64(p.snapshots, t.Snapshots)
		o.ObserveInt64(p.refreshed, t.Refreshed)
		p.observeRetries(o)
		p.observePartitions(o)
		p.observeTypes(o)
		return nil
	}, p.events, p.duplicates, p.rejected, p.awarded, p.revoked, p.snapshots, p.refreshed, p.retried,
		p.eventsByType, p.unknownTypes, p.lagOffsets, p.lagSeconds, p.lagAge, p.silence)
	return errors.Wrap(err, "registering the instruments")
}

// maker makes instruments and keeps the errors for the end.
type maker struct {
	meter metric.Meter
	err   error
}

func (m *maker) counter(name, unit, what string) metric.Int64ObservableCounter {
	c, err := m.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(what))
	m.err = errors.CombineErrors(m.err, err)
	return c
}

func (m *maker) gauge(name, unit, what string) metric.Int64ObservableGauge {
	g, err := m.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(what))
	m.err = errors.CombineErrors(m.err, err)
	return g
}

func (m *maker) seconds(name, what string) metric.Float64ObservableGauge {
	g, err := m.meter.Float64ObservableGauge(name, metric.WithUnit("s"), metric.WithDescription(what))
	m.err = errors.CombineErrors(m.err, err)
	return g
}

func (m *maker) histogram(name, what string, bounds metric.HistogramOption) metric.Float64Histogram {
	h, err := m.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what), bounds)
	m.err = errors.CombineErrors(m.err, err)
	return h
}

func (m *maker) sizes(name, unit, what string, bounds metric.HistogramOption) metric.Int64Histogram {
	h, err := m.meter.Int64Histogram(name, metric.WithUnit(unit), metric.WithDescription(what), bounds)
	m.err = errors.CombineErrors(m.err, err)
	return h
}
