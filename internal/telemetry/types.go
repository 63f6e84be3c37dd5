package telemetry

import (
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// maxUnknownTypes bounds how many unknown event types are told by name:
// whoever writes to the topic chooses the names.
const maxUnknownTypes = 50

// otherTypes stands for all further ones.
const otherTypes = "other"

// eventTypes holds what is told of event types.
type eventTypes struct {
	mu             sync.Mutex
	known, unknown map[string]*eventType
}

type eventType struct {
	label  metric.MeasurementOption
	count  int64
	newest time.Time // zero while no time is known
}

func newEventType(name string) *eventType {
	return &eventType{label: metric.WithAttributeSet(attribute.NewSet(
		attribute.String("type", strings.ToValidUTF8(name, "\uFFFD"))))}
}

// SawTypes tells of a batch's records of the catalogue's types: how many of
// each, and the newest record's timestamp. A type may stand in one map alone;
// with a timestamp and no count, it was seen before this process's time, say
// when the duplicate window was warmed: so silence outlasts a restart.
func (p *Pipeline) SawTypes(counts map[string]int64, newest map[string]time.Time) {
	now := time.Now()
	ts := &p.types
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for name, n := range counts {
		ts.knownType(name).count += n
	}
	for name, at := range newest {
		// A producer's clock in the future must not hide years of silence.
		if at.After(now) {
			at = now
		}
		if t := ts.knownType(name); at.After(t.newest) {
			t.newest = at
		}
	}
}

func (ts *eventTypes) knownType(name string) *eventType {
	t := ts.known[name]
	if t == nil {
		// The name may alias a record, which must not be kept.
		name = strings.Clone(name)
		t = newEventType(name)
		ts.known[name] = t
	}
	return t
}

// SawUnknown tells how many records of each type that is not in the catalogue
// a batch held. The first 50 names are told, all others as "other".
func (p *Pipeline) SawUnknown(counts map[string]int64) {
	ts := &p.types
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for name, n := range counts {
		t := ts.unknown[name]
		if t == nil {
			if len(ts.unknown) >= maxUnknownTypes {
				name = otherTypes
			}
			if t = ts.unknown[name]; t == nil {
				name = strings.Clone(name)
				t = newEventType(name)
				ts.unknown[name] = t
			}
		}
		t.count += n
	}
}

// SilentFor is how long ago a type of the catalogue was last seen, by its
// newest record's timestamp; false if it never was.
func (p *Pipeline) SilentFor(name string) (time.Duration, bool) {
	p.types.mu.Lock()
	defer p.types.mu.Unlock()
	t := p.types.known[name]
	if t == nil || t.newest.IsZero() {
		return 0, false
	}
	return time.Since(t.newest), true
}

func (p *Pipeline) observeTypes(o metric.Observer) {
	p.types.mu.Lock()
	defer p.types.mu.Unlock()
	for _, t := range p.types.known {
		o.ObserveInt64(p.eventsByType, t.count, t.label)
		if !t.newest.IsZero() {
			o.ObserveFloat64(p.silence, time.Since(t.newest).Seconds(), t.label)
		}
	}
	for _, t := range p.types.unknown {
		o.ObserveInt64(p.unknownTypes, t.count, t.label)
	}
}
