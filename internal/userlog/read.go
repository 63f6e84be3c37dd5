// Package userlog reads what the log has of one user: every record that has to
// do with him, judged as the fold judges it, in the order in which they took
// effect; and folds them again.
package userlog

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/logreader"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// Record is a record that has to do with the user.
type Record struct {
	projections.Place
	Raw     *kgo.Record
	Reject  *schemas.Reject
	Verdict processor.Verdict
	// Event aliases the record, where there is no reject.
	Event schemas.Event
	// Number is that of the ledger's row, 0 if the ledger has it no more.
	Number int64
	// Original is the offset of the record that counts for this one.
	Original *int64
}

// Source is the record as the cause of something.
func (r *Record) Source() processor.Source { return source(&r.Place, &r.Event, r.Raw) }

// Reader reads the log, once and then on from where it was. Every record is
// decoded and goes through the fold's own window of duplicates; only those that
// have to do with the user are kept.
type Reader struct {
	store   *projections.Store
	brokers []string
	user    string
	in      projections.Installed
	cat     *catalog.Catalog
	batch   *processor.Batch
	windows map[logreader.Partition]*processor.Window
	// read is up to where each partition was read.
	read map[logreader.Partition]int64
	// refused are the offsets of records that were rejected when they were folded
	// into the generation that is live, whatever would become of them now.
	refused map[projections.TopicPartition][]int64
	inBatch int
	list    []Record

	// Records counts those read. Begins names the partitions that had lost their
	// beginning.
	Records int64
	Begins  []string
}

// New makes a reader for a user of the generation that is live. The error is
// projections.ErrErased if he was erased, though the log has his events.
func New(store *projections.Store, brokers []string, in projections.Installed, cat *catalog.Catalog, user string) (*Reader, error) {
	if in.Erases(user) {
		return nil, projections.ErrErased
	}
	return &Reader{store: store, brokers: brokers, user: user, in: in, cat: cat, batch: processor.New(cat),
		windows: map[logreader.Partition]*processor.Window{}, read: map[logreader.Partition]int64{}}, nil
}

// scanBatch is how many events are decided before their batch, which nobody
// folds, is emptied.
const scanBatch = 2_000

// Advance reads on to where the fold stood, and returns the user's records
// among these in the order in which they took effect.
func (s *Reader) Advance(ctx context.Context, standing []projections.Standing) (_ []Record, err error) {
	if s.refused, err = s.store.AllRefused(ctx, s.in.Generation); err != nil {
		return nil, err
	}
	log, err := logreader.Open(ctx, s.brokers)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	stretches, err := s.stretches(ctx, log, standing)
	if err != nil {
		return nil, err
	}
	s.list = nil
	if err := log.Read(ctx, stretches, s.record); err != nil {
		return nil, err
	}
	for p, b := range stretches {
		s.read[p] = b.End
	}
	return s.list, order(ctx, s.store, s.list)
}

// stretches are what of the log is to be read.
func (s *Reader) stretches(ctx context.Context, log *logreader.Reader, standing []projections.Standing) (map[logreader.Partition]logreader.Bounds, error) {
	stretches := map[logreader.Partition]logreader.Bounds{}
	var topics []string
	for _, st := range standing {
		end := st.Offset
		if st.Step > 0 {
			end++ // within a tick, which is part of it
		}
		p := logreader.Partition{Topic: st.Topic, Number: st.Partition}
		stretches[p] = logreader.Bounds{Start: s.read[p], End: end}
		if !slices.Contains(topics, st.Topic) {
			topics = append(topics, st.Topic)
		}
	}
	bounds, err := log.Bounds(ctx, topics...)
	if err != nil {
		return nil, err
	}
	for p, stretch := range stretches {
		b, ok := bounds[p]
		if !ok || b.End < stretch.End {
			return nil, errors.Newf("%s/%d was folded up to offset %d and its log ends at %d: it is another log than the one that was folded", p.Topic, p.Number, stretch.End, b.End)
		}
		if begin := min(b.Start, stretch.End); begin > stretch.Start {
			stretch.Start = begin
			s.Begins = append(s.Begins, fmtBegin(p, b.Start))
		}
		stretches[p] = stretch
		if s.windows[p] == nil {
			s.windows[p] = processor.NewWindow(s.cat.DedupeWindow)
		}
	}
	slices.Sort(s.Begins)
	return stretches, nil
}

func (s *Reader) record(r *kgo.Record) error {
	if s.Records++; s.inBatch == scanBatch {
		s.batch.Reset()
		s.inBatch = 0
	}
	f := Record{Place: projections.Place{TopicPartition: projections.TopicPartition{Topic: r.Topic, Partition: r.Partition}, Offset: r.Offset}}
	var ev schemas.Event
	err := schemas.Decode(r.Headers, r.Value, &ev)
	if err == nil {
		_, known := s.cat.Types[ev.Type]
		err = ev.CheckTime(r.Timestamp.UnixMilli(), known || s.decides(r, &ev))
	}
	if _, was := slices.BinarySearch(s.refused[f.Place.TopicPartition], r.Offset); was && err == nil {
		err = &schemas.Reject{Reason: "before", Detail: "it was no valid event when it was folded, see `badgestream dlq show`"}
	}
	if err == nil {
		f.Verdict, err = s.add(&f, &ev, r)
		s.inBatch++
	}
	if err != nil && !errors.As(err, &f.Reject) {
		return errors.Wrapf(err, "look at %s/%d@%d", r.Topic, r.Partition, r.Offset)
	}
	if !s.concerns(&f, &ev, r) {
		return nil
	}
	// What is kept is decoded again from a copy: the record is the client's.
	f.Raw = clone(r)
	if f.Reject == nil {
		if err := schemas.Decode(f.Raw.Headers, f.Raw.Value, &f.Event); err != nil {
			return errors.Wrapf(err, "look at %s/%d@%d", r.Topic, r.Partition, r.Offset)
		}
	}
	s.list = append(s.list, f)
	return nil
}

// add decides what a valid event is. One that was appended again for another
// which counts is a duplicate.
func (s *Reader) add(f *Record, ev *schemas.Event, r *kgo.Record) (processor.Verdict, error) {
	src, window := source(&f.Place, ev, r), s.windows[logreader.Partition{Topic: r.Topic, Number: r.Partition}]
	add, repeat := s.batch.Add, s.batch.Repeat
	if s.decides(r, ev) {
		add, repeat = s.batch.Decide, s.batch.DecideAgain
	}
	original, redriven := schemas.Redriven(r.Headers, r.Topic, r.Partition, r.Offset)
	if redriven {
		if _, was := slices.BinarySearch(s.refused[f.Place.TopicPartition], original); !was {
			f.Original = &original
			return repeat(ev, src, window)
		}
	}
	return add(ev, src, window)
}

// decides reports whether an event is a person's decision: on the control topic
// alone.
func (s *Reader) decides(r *kgo.Record, ev *schemas.Event) bool {
	_, decides := schemas.VerbOf(ev.Type)
	return decides && r.Topic == s.store.Group()+".control"
}

func source(p *projections.Place, ev *schemas.Event, r *kgo.Record) processor.Source {
	return processor.Source{Topic: p.Topic, Partition: p.Partition, Offset: p.Offset, ID: ev.ID, Origin: ev.Source, Time: ev.TimeIn(r.Timestamp.UnixMilli())}
}

// concerns reports whether a record has to do with the user: an event that
// credits him, would but for an exemption, or is his own; a record that is no
// event and names him anywhere; or a tick, where a badge depends on an age.
func (s *Reader) concerns(f *Record, ev *schemas.Event, r *kgo.Record) bool {
	if f.Verdict == processor.Tick || f.Verdict == processor.Duplicate && ev.Type == schemas.TickType {
		return s.cat.HasAgeBadges
	}
	if !s.named(r) {
		return false
	}
	if f.Reject != nil || ev.Subject == s.user {
		return true
	}
	// It has been decoded before, so that it cannot fail.
	namings, _ := s.batch.Namings(ev)
	return slices.ContainsFunc(namings, func(n processor.Naming) bool { return n.User == s.user })
}

// named reports whether a record may name the user. It is the cheap look, which
// most records do not pass: JSON writes a name as it is, unless it escapes
// something.
func (s *Reader) named(r *kgo.Record) bool {
	user := []byte(s.user)
	if bytes.Contains(r.Value, user) || bytes.Contains(r.Key, user) || bytes.IndexByte(r.Value, '\\') >= 0 {
		return true
	}
	return slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool { return bytes.Contains(h.Value, user) })
}

func clone(r *kgo.Record) *kgo.Record {
	c := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp, Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)}
	for _, h := range r.Headers {
		c.Headers = append(c.Headers, kgo.RecordHeader{Key: strings.Clone(h.Key), Value: bytes.Clone(h.Value)})
	}
	return c
}

func fmtBegin(p logreader.Partition, at int64) string {
	return fmt.Sprintf("%s/%d begins at offset %d", p.Topic, p.Number, at)
}
