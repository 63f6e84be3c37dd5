package replay

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/logreader"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// OfStretch is what a stretch of a partition gives, folded alone.
type OfStretch struct {
	projections.Scratch
	Topic      string `json:"topic"`
	Partition  int32  `json:"partition"`
	From       int64  `json:"from"`
	To         int64  `json:"to"`
	Records    int64  `json:"records"`
	Events     int64  `json:"events"` // folded
	Duplicates int64  `json:"duplicates"`
	Unknown    int64  `json:"unknown"`
	Rejected   int64  `json:"rejected"`
	Ticks      int64  `json:"ticks"`
	Users      int64  `json:"users"`
	// Awarded and Revoked are the badges that would come and go, by slug.
	Awarded map[string]int64 `json:"awarded"`
	Revoked map[string]int64 `json:"revoked"`
	Seconds float64          `json:"seconds"`
}

// batchEvents is how many records one transaction folds.
const batchEvents = 10_000

// stretch is one fold of a stretch under way.
type stretch struct {
	*OfStretch
	cat     *catalog.Catalog
	batch   *processor.Batch
	window  *processor.Window
	folder  *projections.BesideFolder
	refused []int64 // by the live generation
	mine    []projections.Place
	at      int64 // up to where it is folded
	taken   int
}

// Stretch folds the records of a partition from one offset up to another (that
// excluded) into a scratch generation that has nothing else in it. Duplicates
// of what stands before are known as such.
func Stretch(ctx context.Context, store *projections.Store, brokers []string, p projections.TopicPartition, from, to int64) (*OfStretch, error) {
	began := time.Now()
	cat, in, err := store.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	log, err := logreader.Open(ctx, brokers)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	bounds, err := log.Bounds(ctx, p.Topic)
	if err != nil {
		return nil, err
	}
	id := logreader.Partition{Topic: p.Topic, Number: p.Partition}
	b, ok := bounds[id]
	if !ok || from < b.Start || to > b.End || from >= to {
		return nil, errors.Newf("%s/%d has offsets from %d up to %d, and the stretch from %d to %d is not within: choose --from and --to there", p.Topic, p.Partition, b.Start, b.End, from, to)
	}
	s := &stretch{OfStretch: &OfStretch{Topic: p.Topic, Partition: p.Partition, From: from, To: to, Awarded: map[string]int64{}, Revoked: map[string]int64{}},
		cat: cat, batch: processor.New(cat), window: processor.NewWindow(cat.DedupeWindow), at: from}
	warm := max(b.Start, from-cat.DedupeWindow)
	if s.refused, err = store.Refused(ctx, in.Generation, p, 0, to); err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx); err != nil {
		return nil, err
	}
	scratch, err := store.BeginScratch(ctx, in, cat, fmt.Sprintf("%s/%d from %d to %d", p.Topic, p.Partition, from, to),
		&projections.Range{TopicPartition: p, From: projections.Position{Offset: from}})
	if err != nil {
		return nil, err
	}
	s.Scratch = *scratch
	s.folder = store.NewBesideFolder(in, cat, scratch.Generation, in.CatalogVersion)
	defer func() { _ = s.folder.Close(context.WithoutCancel(ctx)) }() // all is committed
	if err := log.Read(ctx, map[logreader.Partition]logreader.Bounds{id: {Start: warm, End: to}}, func(r *kgo.Record) error { return s.record(ctx, r) }); err != nil {
		return nil, err
	}
	if err := s.flush(ctx, to); err != nil {
		return nil, err
	}
	if s.Users, err = store.CountUsers(ctx, scratch.Generation); err != nil {
		return nil, err
	}
	s.Seconds = time.Since(began).Seconds()
	return s.OfStretch, nil
}

// record takes one record; of those before the stretch, the window alone.
func (s *stretch) record(ctx context.Context, r *kgo.Record) error {
	var ev schemas.Event
	err := schemas.Decode(r.Headers, r.Value, &ev)
	if err == nil {
		_, known := s.cat.Types[ev.Type]
		err = ev.CheckTime(r.Timestamp.UnixMilli(), known)
	}
	verdict := processor.Unknown
	src := processor.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, ID: ev.ID, Origin: ev.Source, Time: ev.TimeIn(r.Timestamp.UnixMilli())}
	_, was := slices.BinarySearch(s.refused, r.Offset)
	if err == nil && !was {
		verdict, err = s.add(&ev, src, r)
	}
	var reject *schemas.Reject
	if err != nil && !errors.As(err, &reject) {
		return errors.Wrapf(err, "fold %s/%d@%d", r.Topic, r.Partition, r.Offset)
	}
	if r.Offset < s.From {
		s.batch.Reset()
		return nil
	}
	s.Records++
	switch {
	case was || reject != nil:
		s.Rejected++
		s.mine = append(s.mine, projections.Place{TopicPartition: projections.TopicPartition{Topic: r.Topic, Partition: r.Partition}, Offset: r.Offset})
	case verdict == processor.Duplicate:
		s.Duplicates++
	case verdict == processor.Unknown:
		s.Unknown++
	case verdict == processor.Tick:
		s.Ticks++
		return s.tick(ctx, src)
	default:
		s.Events++
	}
	if s.taken++; s.taken < batchEvents {
		return nil
	}
	return s.flush(ctx, r.Offset+1)
}

// add decides what a valid event is.
func (s *stretch) add(ev *schemas.Event, src processor.Source, r *kgo.Record) (processor.Verdict, error) {
	if original, redriven := schemas.Redriven(r.Headers, r.Topic, r.Partition, r.Offset); redriven {
		if _, refused := slices.BinarySearch(s.refused, original); !refused {
			return s.batch.Repeat(ev, src, s.window)
		}
	}
	return s.batch.Add(ev, src, s.window)
}

func (s *stretch) span(to int64) projections.Range {
	return projections.Range{TopicPartition: projections.TopicPartition{Topic: s.Topic, Partition: s.Partition}, From: projections.Position{Offset: s.at}, To: projections.Position{Offset: to}}
}

// flush folds what was taken.
func (s *stretch) flush(ctx context.Context, to int64) error {
	if to == s.at {
		return nil
	}
	if err := s.folder.Fold(ctx, s.batch, []projections.Range{s.span(to)}, s.mine); err != nil {
		return err
	}
	s.count(to)
	return nil
}

// tick folds a tick, after what came before it. It sees to everybody at once.
func (s *stretch) tick(ctx context.Context, src processor.Source) error {
	if err := s.flush(ctx, src.Offset); err != nil {
		return err
	}
	if err := s.folder.Tick(ctx, s.batch, &projections.BesideTick{Source: &src, Range: s.span(src.Offset + 1), All: true}); err != nil {
		return err
	}
	s.count(src.Offset + 1)
	return nil
}

// count counts the badges that came and went, and begins the next batch.
func (s *stretch) count(to int64) {
	for _, c := range s.batch.Changes() {
		if slug := s.cat.Badges[c.Badge].Slug; c.Revoked {
			s.Revoked[slug]++
		} else {
			s.Awarded[slug]++
		}
	}
	s.batch.Reset()
	s.at, s.taken, s.mine = to, 0, nil
}
