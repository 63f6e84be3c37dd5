package explain

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/logreader"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// found is a record that has to do with the user.
type found struct {
	place   projections.Place
	record  *kgo.Record
	reject  *schemas.Reject
	verdict processor.Verdict
	// event aliases the record, where there is no reject.
	event  schemas.Event
	number int64 // of the ledger's row
	// original is the offset of the record that counts for this one.
	original *int64
}

// scan is one reading of the log. Every record is decoded and goes through the
// fold's own window of duplicates; only those that have to do with the user are
// kept.
type scan struct {
	user    string
	account *projections.Account
	batch   *processor.Batch
	windows map[logreader.Partition]*processor.Window
	// rejected are the offsets of records that were rejected when they were
	// folded into the generation that is live, whatever would become of them now.
	rejected map[projections.TopicPartition][]int64
	records  int64
	inBatch  int
	list     []found
}

// scanBatch is how many events are decided before their batch, which nobody
// folds, is emptied.
const scanBatch = 2_000

// run reads the log from its beginning to where the account stood. begins says
// which partitions had lost their beginning by then.
func (s *scan) run(ctx context.Context, brokers []string) (begins []string, err error) {
	log, err := logreader.Open(ctx, brokers)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	stretches := map[logreader.Partition]logreader.Bounds{}
	var topics []string
	for _, st := range s.account.Standing {
		end := st.Offset
		if st.Step > 0 {
			end++ // within a tick, which is part of it
		}
		stretches[logreader.Partition{Topic: st.Topic, Number: st.Partition}] = logreader.Bounds{End: end}
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
		if stretch.Start = min(b.Start, stretch.End); stretch.Start > 0 {
			begins = append(begins, fmtBegin(p, b.Start))
		}
		stretches[p] = stretch
		s.windows[p] = processor.NewWindow(s.account.Catalog.DedupeWindow)
	}
	slices.Sort(begins)
	return begins, log.Read(ctx, stretches, s.record)
}

func (s *scan) record(r *kgo.Record) error {
	if s.records++; s.inBatch == scanBatch {
		s.batch.Reset()
		s.inBatch = 0
	}
	f := found{place: projections.Place{TopicPartition: projections.TopicPartition{Topic: r.Topic, Partition: r.Partition}, Offset: r.Offset}}
	var ev schemas.Event
	err := schemas.Decode(r.Headers, r.Value, &ev)
	if err == nil {
		_, known := s.account.Catalog.Types[ev.Type]
		err = ev.CheckTime(r.Timestamp.UnixMilli(), known)
	}
	if _, was := slices.BinarySearch(s.rejected[f.place.TopicPartition], r.Offset); was && err == nil {
		err = &schemas.Reject{Reason: "before", Detail: "it was no valid event when it was folded, see `badgestream dlq show`"}
	}
	if err == nil {
		f.verdict, err = s.add(&f, &ev, r)
		s.inBatch++
	}
	if err != nil && !errors.As(err, &f.reject) {
		return errors.Wrapf(err, "look at %s/%d@%d", r.Topic, r.Partition, r.Offset)
	}
	if !s.concerns(&f, &ev, r) {
		return nil
	}
	// What is kept is decoded again from a copy: the record is the client's.
	f.record = clone(r)
	if f.reject == nil {
		if err := schemas.Decode(f.record.Headers, f.record.Value, &f.event); err != nil {
			return errors.Wrapf(err, "look at %s/%d@%d", r.Topic, r.Partition, r.Offset)
		}
	}
	s.list = append(s.list, f)
	return nil
}

// add decides what a valid event is. One that was appended again for another
// which counts is a duplicate.
func (s *scan) add(f *found, ev *schemas.Event, r *kgo.Record) (processor.Verdict, error) {
	src, window := source(&f.place, ev, r), s.windows[logreader.Partition{Topic: r.Topic, Number: r.Partition}]
	original, redriven := schemas.Redriven(r.Headers, r.Topic, r.Partition, r.Offset)
	if redriven {
		if _, was := slices.BinarySearch(s.rejected[f.place.TopicPartition], original); !was {
			f.original = &original
			return s.batch.Repeat(ev, src, window)
		}
	}
	return s.batch.Add(ev, src, window)
}

func source(p *projections.Place, ev *schemas.Event, r *kgo.Record) processor.Source {
	return processor.Source{Topic: p.Topic, Partition: p.Partition, Offset: p.Offset, ID: ev.ID, Origin: ev.Source, Time: ev.TimeIn(r.Timestamp.UnixMilli())}
}

// concerns reports whether a record has to do with the user: an event that
// credits him, would but for an exemption, or is his own; a record that is no
// event and names him anywhere; or a tick, where a badge depends on an age.
func (s *scan) concerns(f *found, ev *schemas.Event, r *kgo.Record) bool {
	if f.verdict == processor.Tick || f.verdict == processor.Duplicate && ev.Type == schemas.TickType {
		return s.account.Catalog.HasAgeBadges
	}
	if !s.named(r) {
		return false
	}
	if f.reject != nil || ev.Subject == s.user {
		return true
	}
	// It has been decoded before, so that it cannot fail.
	namings, _ := s.batch.Namings(ev)
	return slices.ContainsFunc(namings, func(n processor.Naming) bool { return n.User == s.user })
}

// named reports whether a record may name the user. It is the cheap look, which
// most records do not pass: JSON writes a name as it is, unless it escapes
// something.
func (s *scan) named(r *kgo.Record) bool {
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
