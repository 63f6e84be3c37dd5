package pipeline

import (
	"context"
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
	// control is the topic on which kinds count. switches says that switches of
	// generations are waited for; asked is one that the last take has met.
	control  string
	kinds    map[string]controlKind
	switches bool
	asked    *projections.Switch
	// erases says that a record that erases users is folded by itself: then erasing
	// is one that the last take has met. Else it only adds to who is passed over.
	erases  bool
	erasing *projections.Erasing
	erased  *projections.Erased
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

// newIntake makes an intake for records of the activity topic, and of the control
// topic that is named.
func newIntake(cat *catalog.Catalog, control string, link func([]trace.Link, []kgo.RecordHeader) []trace.Link) *intake {
	return &intake{cat: cat, control: control, kinds: controlKinds(), link: link, batch: processor.New(cat), types: map[string]int64{}, newest: map[string]time.Time{}, strangers: map[string]int64{}}
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
// A tick ends the range before it, as do a switch and an erasure: it is folded by
// itself.
func (in *intake) take(ctx context.Context, p *partition, limit int) (tick *processor.Source, err error) {
	to, n := p.folded.Offset, 0
	in.tally, in.asked, in.erasing = tally{}, nil, nil
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
				src := in.source(p, r)
				tick = &src
				break
			}
			if in.stopped() {
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

// stopped says that the last record is not folded with others.
func (in *intake) stopped() bool { return in.asked != nil || in.erasing != nil }

// passOver says who was erased, from the next record on.
func (in *intake) passOver(erased *projections.Erased) {
	in.erased = erased
	in.batch.SetErased(erased.Has())
}

// record adds one record. Its only errors are of the program itself, and of who
// is asked what a redriven record is.
func (in *intake) record(ctx context.Context, p *partition, r *record) (tick bool, err error) {
	in.tally.records++
	in.asked, in.erasing = nil, nil
	key, value, headers := r.unpack(in.headers[:0])
	in.headers = headers
	in.links = in.link(in.links, headers)
	ev := &in.event
	err = schemas.Decode(headers, value, ev)
	verdict := processor.Folded
	_, known := in.cat.Types[ev.Type]
	control := in.controlKind(p)
	if err == nil {
		err = ev.CheckTime(r.timestamp, known || control != nil)
	}
	if err == nil && in.facts && p.wasRejected(r.offset) {
		err = &schemas.Reject{Detail: "it was rejected when it was folded"}
	}
	switch {
	case err != nil:
	case control != nil:
		verdict, err = control(ctx, in, p, r)
	default:
		verdict, err = in.add(ctx, p, r, in.batch.Add, in.batch.Repeat)
	}
	if in.stopped() {
		return false, nil
	}
	if err != nil {
		var reject *schemas.Reject
		if !errors.As(err, &reject) {
			return false, errors.Wrapf(err, "fold %s/%d offset %d", p.Topic, p.Partition, r.offset)
		}
		in.tally.rejected++
		p.refuse(r.offset)
		rejected := projections.Reject{TopicPartition: p.TopicPartition, Offset: r.offset, Reason: reject.Reason, Detail: reject.Detail,
			Key: key, Value: value, Headers: kept(headers), Timestamp: r.timestamp}
		if is := in.erased.Has(); is != nil && schemas.Names(is, key, value, headers) {
			rejected.Detail, rejected.Key, rejected.Value, rejected.Headers = "", nil, nil, nil
		}
		in.rejects = append(in.rejects, rejected)
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

// judge is how a batch takes an event.
type judge func(*schemas.Event, processor.Source, *processor.Window) (processor.Verdict, error)

// add adds the event at hand, by repeat if it stands for another which counts.
func (in *intake) add(ctx context.Context, p *partition, r *record, add, repeat judge) (processor.Verdict, error) {
	repeats, err := in.repeats(ctx, p, r)
	if err != nil {
		return processor.Unknown, err
	}
	if repeats {
		add = repeat
	}
	return add(&in.event, in.source(p, r), p.window)
}

// repeats reports whether a record was redriven for one that counts.
func (in *intake) repeats(ctx context.Context, p *partition, r *record) (bool, error) {
	original, ok := schemas.Redriven(in.headers, p.Topic, p.Partition, r.offset)
	if !ok || in.refusals == nil {
		return false, nil
	}
	refused, err := p.refuses(ctx, in.refusals, original)
	return !refused, err
}

// source is the event at hand as a cause.
func (in *intake) source(p *partition, r *record) processor.Source {
	return processor.Source{Topic: p.Topic, Partition: p.Partition, Offset: r.offset, ID: in.event.ID, Origin: in.event.Source, Time: in.time(r)}
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
