package drift

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/logreader"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// standing is where the partitions stand at one moment.
type standing struct {
	folded    map[logreader.Partition]projections.Position
	published map[logreader.Partition]int64
	bounds    map[logreader.Partition]logreader.Bounds
}

// watch looks at the log's ends from time to time.
type watch struct {
	*audit
	log   *logreader.Reader
	cl    *kgo.Client
	began time.Time
	first standing
}

func (a *audit) watch(ctx context.Context) (w *watch, err error) {
	w = &watch{audit: a, began: time.Now()}
	if w.log, err = logreader.Open(ctx, a.cfg.Brokers); err != nil {
		return nil, err
	}
	if w.cl, err = kgo.NewClient(kgo.SeedBrokers(a.cfg.Brokers...)); err != nil {
		w.log.Close()
		return nil, errors.Wrap(err, "make a Kafka client")
	}
	if w.first, err = w.look(ctx); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *watch) close() {
	w.log.Close()
	w.cl.Close()
}

// look reads where the partitions stand: the log's ends last, so that what is
// behind them was.
func (w *watch) look(ctx context.Context) (s standing, err error) {
	s = standing{folded: map[logreader.Partition]projections.Position{}, published: map[logreader.Partition]int64{}}
	ks, err := kadm.NewClient(w.cl).FetchOffsets(ctx, w.cfg.Group)
	if err != nil {
		return s, errors.Wrapf(err, "read the committed offsets of group %s", w.cfg.Group)
	}
	ks.Each(func(o kadm.OffsetResponse) {
		s.published[logreader.Partition{Topic: o.Topic, Number: o.Partition}] = o.At
	})
	ps, err := w.store.Positions(ctx)
	if err != nil {
		return s, err
	}
	topics := map[string]bool{}
	for _, p := range ps {
		s.folded[logreader.Partition{Topic: p.Topic, Number: p.Partition}] = p.Position
		topics[p.Topic] = true
	}
	if len(topics) > 0 {
		s.bounds, err = w.log.Bounds(ctx, slices.Sorted(maps.Keys(topics))...)
	}
	return s, err
}

// again looks once more, after a while, and says what has stood still though
// something waited.
func (w *watch) again(ctx context.Context) error {
	behind := slices.ContainsFunc(slices.Collect(maps.Keys(w.first.folded)), func(p logreader.Partition) bool {
		return w.first.folded[p].Offset < w.first.bounds[p].End || w.first.published[p] < w.first.folded[p].Offset
	})
	if behind {
		if err := pause(ctx, w.cfg.Watch-time.Since(w.began)); err != nil {
			return err
		}
	}
	now, err := w.look(ctx)
	if err != nil {
		return err
	}
	for _, p := range sorted(w.first.folded) {
		w.report.Looked(Progress, 1)
		was, is := w.first.folded[p], now.folded[p]
		after := time.Since(w.began).Round(time.Second)
		switch {
		case was == is && was.Offset < w.first.bounds[p].End:
			w.report.Find(Progress, "%s/%d: %d records wait from offset %d on, and none was folded in %v", p.Topic, p.Number, w.first.bounds[p].End-was.Offset, was.Offset, after)
		case w.first.published[p] == now.published[p] && now.published[p] < was.Offset:
			w.report.Find(Progress, "%s/%d: it is folded up to offset %d, and published up to %d, and nothing was published in %v", p.Topic, p.Number, was.Offset, now.published[p], after)
		}
	}
	return nil
}

func sorted[V any](m map[logreader.Partition]V) []logreader.Partition {
	return slices.SortedFunc(maps.Keys(m), func(x, y logreader.Partition) int {
		if x.Topic != y.Topic {
			if x.Topic < y.Topic {
				return -1
			}
			return 1
		}
		return int(x.Number - y.Number)
	})
}

// Of each partition, the last records are read, and as many from before them,
// in a few stretches. A type that of those before made so many that enough of
// the last ones would be expected, and has none, is silent: by chance that
// happens to one in 20,000.
const (
	recent      = 2_000
	stretches   = 8
	stretchSize = recent / stretches
	lookBack    = 100_000
	enough      = 10
)

// tally counts the types of some records.
type tally struct {
	n    map[string]int64
	last map[string]int64 // timestamp
	all  int64
}

// types looks for event types of the catalogue that have fallen silent.
func (w *watch) types(ctx context.Context) error {
	bounds, err := w.log.Bounds(ctx, w.activity()...)
	if err != nil {
		return err
	}
	late, before := newTally(), newTally()
	from := map[logreader.Partition]logreader.Bounds{}
	for p, b := range bounds {
		from[p] = logreader.Bounds{Start: max(b.Start, b.End-recent), End: b.End}
	}
	if err := w.log.Read(ctx, from, late.add); err != nil {
		return err
	}
	for i := range int64(stretches) {
		earlier := map[logreader.Partition]logreader.Bounds{}
		for p, b := range bounds {
			end := b.End - recent - i*min(lookBack, b.End-recent-b.Start)/stretches
			if start := max(b.Start, end-stretchSize); start < end {
				earlier[p] = logreader.Bounds{Start: start, End: end}
			}
		}
		if err := w.log.Read(ctx, earlier, before.add); err != nil {
			return err
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(before.n)) {
		if _, known := w.cat.Types[kind]; !known {
			continue
		}
		w.report.Looked(TypesAlive, 1)
		expected := float64(before.n[kind]) / float64(before.all) * float64(late.all)
		if late.n[kind] == 0 && expected >= enough {
			w.report.Find(TypesAlive, "%s is silent: of the last %d records none is one, where %.0f could be expected; the latest seen is of %s",
				kind, late.all, expected, schemas.FormatTime(before.last[kind]*1000))
		}
	}
	return nil
}

// activity are the folded topics but for the group's own.
func (w *watch) activity() []string {
	topics := map[string]bool{}
	for p := range w.first.folded {
		if p.Topic != w.cfg.Group+".control" {
			topics[p.Topic] = true
		}
	}
	return slices.Sorted(maps.Keys(topics))
}

func newTally() *tally { return &tally{n: map[string]int64{}, last: map[string]int64{}} }

func (t *tally) add(r *kgo.Record) error {
	var ev schemas.Event
	if schemas.Decode(r.Headers, r.Value, &ev) != nil {
		return nil //nolint:nilerr // what is no event is the dead letters' matter
	}
	t.all++
	kind := strings.Clone(ev.Type) // the event is the record's
	t.n[kind]++
	t.last[kind] = min(max(t.last[kind], r.Timestamp.UnixMilli()), schemas.MaxTime/1000)
	return nil
}
