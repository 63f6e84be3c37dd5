package pipeline

import (
	"context"
	"strings"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"
)

// intake fills a batch with records and keeps count of what became of them.
type intake struct {
	cat   *catalog.Catalog
	batch *processor.Batch
	event schemas.Event
	// headers are those of the record at hand.
	headers []kgo.RecordHeader
	// control is the topic on which switches count; empty where they do not.
	// asked is one that the last take has met: it is not folded with others.
	control string
	asked   *projections.Switch
	// refusals tell what a redriven record is; without them it is as any other.
	// facts says that what was rejected when it was folded is not judged anew.
	refusals refusals
	facts    bool

	ranges  []projections.Range
	rejects []projections.Reject
	refused []projections.Place // rejects that only their generation needs to know
	taken   []int               // per range: records of the queue that it covers
	tallies []tally             // per range
	tally   tally               // of the range in the making

	// links lead to the traces of producers; link adds a record's.
	links []trace.Link
	link  func([]trace.Link, []kgo.RecordHeader) []trace.Link

	types     map[string]int64 // events by type
	newest    map[string]time.Time
	strangers map[string]int64 // events of types that the catalogue has not
}

// tally counts records by what became of them.
type tally struct {
	records, duplicates, unknown, rejected int64
}

func newIntake(cat *catalog.Catalog, link func([]trace.Link, []kgo.RecordHeader) []trace.Link) *intake {
	return &intake{cat: cat, link: link, batch: processor.New(cat), types: map[string]int64{}, newest: map[string]time.Time{}, strangers: map[string]int64{}}
}

func (in *intake) reset() {
	in.batch.Reset()
	in.links = in.links[:0]
	in.ranges, in.rejects, in.taken, in.tallies, in.refused = in.ranges[:0], in.rejects[:0], in.taken[:0], in.tallies[:0], in.refused[:0]
	clear(in.types)
	clear(in.newest)
	clear(in.strangers)
}

func (in *intake) empty() bool { return len(in.ranges) == 0 }

// take adds the partition's queued records, up to limit of them, as one range.
// A tick ends the range before it, as does a switch: it is folded by itself.
func (in *intake) take(ctx context.Context, p *partition, limit int) (tick *processor.Source, err error) {
	to, n := p.folded.Offset, 0
	in.tally, in.asked = tally{}, nil
	for i := range p.queue {
		r := &p.queue[i]
		if n == limit {
			break
		}
		if !r.control {
			isTick, err := in.record(ctx, p, r)
			if err != nil {
				return nil, err
			}
			if isTick {
				tick = &processor.Source{Topic: p.Topic, Partition: p.Partition, Offset: r.offset, ID: in.event.ID, Origin: in.event.Source, Time: in.time(r)}
				break
			}
			if in.asked != nil {
				to = r.offset
				break
			}
		}
		n++
		to = r.offset + 1
	}
	if tick != nil {
		// Offsets between the last record and the tick hold control records
		// alone: the range ends at the tick.
		to = tick.Offset
	}
	if to > p.folded.Offset {
		in.ranges = append(in.ranges, projections.Range{TopicPartition: p.TopicPartition, From: p.folded, To: projections.Position{Offset: to}})
		in.taken = append(in.taken, n)
		in.tallies = append(in.tallies, in.tally)
	}
	return tick, nil
}

// record adds one record. Its only errors are of the program itself, and of who
// is asked what a redriven record is.
func (in *intake) record(ctx context.Context, p *partition, r *record) (tick bool, err error) {
	in.tally.records++
	key, value, headers := r.unpack(in.headers[:0])
	in.headers = headers
	in.links = in.link(in.links, headers)
	ev := &in.event
	err = schemas.Decode(headers, value, ev)
	verdict := processor.Folded
	_, known := in.cat.Types[ev.Type]
	asks := ev.Type == schemas.SwitchType && p.Topic == in.control
	if err == nil {
		err = ev.CheckTime(r.timestamp, known || asks)
	}
	if err == nil && asks && p.refused != r.offset+1 {
		var ask schemas.Switch
		if ask, err = schemas.ParseSwitch(ev.Data); err == nil {
			in.asked = &projections.Switch{Switch: ask, TopicPartition: p.TopicPartition, Offset: r.offset,
				EventID: strings.Clone(ev.ID), EventSource: strings.Clone(ev.Source), Time: in.time(r)}
			return false, nil
		}
	}
	if err == nil && in.facts && p.wasRejected(r.offset) {
		err = &schemas.Reject{Detail: "it was rejected when it was folded"}
	}
	if err == nil {
		verdict, err = in.add(ctx, p, r, headers)
	}
	if err != nil {
		var reject *schemas.Reject
		if !errors.As(err, &reject) {
			return false, errors.Wrapf(err, "fold %s/%d offset %d", p.Topic, p.Partition, r.offset)
		}
		in.tally.rejected++
		p.refuse(r.offset)
		in.rejects = append(in.rejects, projections.Reject{TopicPartition: p.TopicPartition, Offset: r.offset, Reason: reject.Reason, Detail: reject.Detail,
			Key: key, Value: value, Headers: kept(headers), Timestamp: r.timestamp})
		return false, nil
	}
	switch verdict {
	case processor.Unknown:
		in.tally.unknown++
		in.strangers[ev.Type]++
		return false, nil
	case processor.Duplicate:
		in.tally.duplicates++
	}
	in.types[ev.Type]++
	in.newest[ev.Type] = time.UnixMilli(r.timestamp)
	return verdict == processor.Tick, nil
}

// add adds an event. One that stands for another which counts is a duplicate.
func (in *intake) add(ctx context.Context, p *partition, r *record, headers []kgo.RecordHeader) (processor.Verdict, error) {
	ev := &in.event
	src := processor.Source{Topic: p.Topic, Partition: p.Partition, Offset: r.offset, ID: ev.ID, Origin: ev.Source, Time: in.time(r)}
	if original, ok := schemas.Redriven(headers, p.Topic, p.Partition, r.offset); ok && in.refusals != nil {
		refused, err := p.refuses(ctx, in.refusals, original)
		if err != nil {
			return processor.Unknown, err
		}
		if !refused {
			return in.batch.Repeat(ev, src, p.window)
		}
	}
	return in.batch.Add(ev, src, p.window)
}

// time is the event's time, or its record's if it has none.
func (in *intake) time(r *record) int64 { return in.event.TimeIn(r.timestamp) }

// kept copies headers, whose slice is that of the record at hand.
func kept(headers []kgo.RecordHeader) []schemas.Header {
	list := make([]schemas.Header, len(headers))
	for i, h := range headers {
		list[i] = schemas.Header(h)
	}
	return list
}
