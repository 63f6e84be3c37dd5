package differential

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// Record is one record of a drawn log.
type Record struct {
	Partition int32
	Offset    int64
	Timestamp int64 // Unix milliseconds
	Key       []byte
	Value     []byte
	Headers   []schemas.Header
}

// Log draws n records of a catalogue's events over some partitions, in the
// order in which they come: few users and things, so that they meet; events
// late, again, or about oneself; system accounts; ticks; unknown types; and
// what is no event. With keyed, all that one user does is in one partition.
func Log(rng *rand.Rand, cat *catalog.Catalog, n int, partitions int32, keyed bool) []*Record {
	t := &traffic{Rand: rng, cat: cat, partitions: partitions, keyed: keyed, now: 1_767_225_600_000_000, next: make([]int64, partitions)}
	for i := range cat.Events {
		if !cat.Events[i].Tick {
			t.types = append(t.types, &cat.Events[i])
		}
	}
	t.users = []string{"a", "b", "c", "ü", "f g", "\"\\"}
	for system := range cat.System {
		t.users = append(t.users, system)
	}
	slices.Sort(t.users)
	var log []*Record
	for range n {
		log = append(log, t.record())
	}
	return log
}

// Interleave draws another order in which the same partitions may be folded.
func Interleave(rng *rand.Rand, log []*Record) []*Record {
	queues := map[int32][]*Record{}
	var owners []int32 // a partition as often as it has records left
	for _, rec := range log {
		queues[rec.Partition] = append(queues[rec.Partition], rec)
		owners = append(owners, rec.Partition)
	}
	rng.Shuffle(len(owners), func(i, k int) { owners[i], owners[k] = owners[k], owners[i] })
	out := make([]*Record, len(log))
	for i, p := range owners {
		out[i], queues[p] = queues[p][0], queues[p][1:]
	}
	return out
}

type traffic struct {
	*rand.Rand
	cat        *catalog.Catalog
	types      []*catalog.EventType
	users      []string
	partitions int32
	keyed      bool
	now        int64
	n          int
	next       []int64 // the next offset of each partition
	sent       []*Record
}

const quarter = 6 * 3600 * 1_000_000 // of a day, in microseconds

// record draws the next record. Times are whole quarters of a day mostly, so
// that they meet each other and the instants at which somebody is due.
func (t *traffic) record() *Record {
	t.n++
	t.now += t.Int64N(2) * quarter
	if len(t.sent) > 0 && odds(t.Rand, 6) {
		again := *t.sent[max(0, len(t.sent)-1-t.IntN(30))]
		return t.place(&again, again.Partition)
	}
	ev := attributes{id: fmt.Sprint("e", t.n), source: one(t.Rand, []string{"/r", "/r", "/s"}), time: t.time(), data: map[string]any{}}
	switch roll := t.IntN(100); {
	case roll < 2:
		ev.kind = "nobody.knows"
	case roll < 7:
		ev.kind = schemas.TickType
		if odds(t.Rand, 10) {
			*ev.time = t.now + 2*schemas.MaxTickLead
		}
	default:
		shape := &one(t.Rand, t.types).Shape
		ev.kind, ev.subject, ev.data = shape.Type, one(t.Rand, t.users), t.data(shape)
	}
	if odds(t.Rand, 15) {
		ev.time = nil
	}
	rec := ev.record(odds(t.Rand, 50))
	rec.Timestamp = t.now / 1000
	if odds(t.Rand, 5) {
		t.spoil(rec)
	} else {
		t.sent = append(t.sent, rec)
	}
	at := t.Int32N(t.partitions)
	if t.keyed {
		at = keyedTo(rec, t.partitions)
	}
	return t.place(rec, at)
}

// place gives a record its place: offsets are left out where transactions end.
func (t *traffic) place(rec *Record, partition int32) *Record {
	rec.Partition = partition
	rec.Offset = t.next[partition]
	if odds(t.Rand, 5) {
		rec.Offset += 1 + t.Int64N(3)
	}
	t.next[partition] = rec.Offset + 1
	return rec
}

// keyedTo is the partition of who acts, whatever became of the record.
func keyedTo(rec *Record, partitions int32) int32 {
	var ev schemas.Event
	if schemas.Decode(rec.Headers, rec.Value, &ev) != nil {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(ev.Subject))
	return int32(h.Sum32() % uint32(partitions))
}

// time is about now, or long before, or an odd one.
func (t *traffic) time() *int64 {
	at := t.now
	switch t.IntN(12) {
	case 0, 1, 2:
		at -= t.Int64N(160) * quarter
	case 3:
		at -= t.Int64N(10_000_000)
	case 4:
		at = one(t.Rand, []int64{0, 1, -1, schemas.MinTime, -40 * 365 * 4 * quarter})
	case 5:
		at = one(t.Rand, []int64{t.now + 3*quarter, schemas.MaxTime})
	}
	return &at
}

// data fills in an event's fields. An id is a user's or a thing's alike: who is
// credited by it, is credited.
func (t *traffic) data(shape *schemas.Shape) map[string]any {
	fields := map[string]any{}
	for i := range shape.Fields {
		f := &shape.Fields[i]
		if f.Optional && odds(t.Rand, 40) {
			continue
		}
		switch f.Kind {
		case schemas.FieldID:
			fields[f.Name] = one(t.Rand, t.users)
		case schemas.FieldInt:
			fields[f.Name] = t.integer(f)
		case schemas.FieldEnum:
			fields[f.Name] = one(t.Rand, f.Values)
		case schemas.FieldSet:
			list := slices.Clone(f.Values[:t.IntN(len(f.Values)+1)])
			if odds(t.Rand, 20) {
				list = append(list, "none", f.Values[0], f.Values[0])
			}
			fields[f.Name] = append([]string{}, list...)
		}
	}
	if odds(t.Rand, 10) {
		fields["more"] = map[string]any{"a": []any{nil, true, 1.5}}
	}
	return fields
}

// integer is a small one mostly, also of wide ranges.
func (t *traffic) integer(f *schemas.Field) int64 {
	switch low, high := max(f.Min, -3), min(f.Max, 3); {
	case odds(t.Rand, 10):
		return one(t.Rand, []int64{f.Min, f.Max})
	case low <= high:
		return low + t.Int64N(high-low+1)
	}
	return f.Min + t.Int64N(f.Max-f.Min+1)
}

// attributes are an event before it is a record.
type attributes struct {
	id, source, kind, subject string
	time                      *int64
	data                      map[string]any
}

// record writes the event in structured or in binary mode.
func (a *attributes) record(structured bool) *Record {
	data, _ := json.Marshal(a.data) // maps of strings, numbers and lists
	if !structured {
		rec := &Record{Value: data, Headers: []schemas.Header{{Key: "content-type", Value: []byte("application/json")}}}
		add := func(name, value string) {
			rec.Headers = append(rec.Headers, schemas.Header{Key: "ce_" + name, Value: []byte(value)})
		}
		add("specversion", "1.0")
		add("id", a.id)
		add("source", a.source)
		add("type", a.kind)
		if a.subject != "" {
			add("subject", a.subject)
		}
		if a.time != nil {
			add("time", schemas.FormatTime(*a.time))
		}
		return rec
	}
	all := map[string]any{"specversion": "1.0", "id": a.id, "source": a.source, "type": a.kind, "data": json.RawMessage(data)}
	if a.subject != "" {
		all["subject"] = a.subject
	}
	if a.time != nil {
		all["time"] = schemas.FormatTime(*a.time)
	}
	value, _ := json.Marshal(all)
	return &Record{Value: value, Headers: []schemas.Header{{Key: "content-type", Value: []byte("application/cloudevents+json")}}}
}
