package differential_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/differential"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// result is what a log gives, as text: whatever differs differs there.
type result struct {
	history  []string // badge events, in order
	rejects  []string // in order
	verdicts []string // in order
	users    []string
	rows     []string // members, things, places and the clock
	counters map[string]map[string]int64
}

const (
	group = "g"
	topic = "activity"
)

// engine folds with the store in memory.
type engine struct {
	t       *testing.T
	cat     *catalog.Catalog
	memory  *processor.Memory
	batch   *processor.Batch
	windows map[int32]*processor.Window
	got     result
}

// fold folds the log in batches of random sizes, some of them twice, as after a
// deadlock: records of all partitions share a batch.
func fold(t *testing.T, cat *catalog.Catalog, log []*differential.Record, rng *rand.Rand, most int) *result {
	e := &engine{t: t, cat: cat, memory: processor.NewMemory(cat), batch: processor.New(cat), windows: map[int32]*processor.Window{}}
	left := 1 + rng.IntN(most)
	for _, rec := range log {
		e.record(rec)
		if left--; left <= 0 {
			e.flush(rng.IntN(4) == 0)
			left = 1 + rng.IntN(most)
		}
	}
	e.flush(false)
	e.finish()
	return &e.got
}

func (e *engine) record(rec *differential.Record) {
	at := fmt.Sprintf("%d/%d", rec.Partition, rec.Offset)
	var ev schemas.Event
	err := schemas.Decode(rec.Headers, rec.Value, &ev)
	if err == nil && !ev.HasTime {
		ev.Time = rec.Timestamp * 1000
	}
	if err == nil && ev.Type == schemas.TickType && ev.HasTime && ev.Time/1000-rec.Timestamp > schemas.MaxTickLead/1000 {
		err = &schemas.Reject{Reason: schemas.ReasonAttribute}
	}
	if e.windows[rec.Partition] == nil {
		e.windows[rec.Partition] = processor.NewWindow(e.cat.DedupeWindow)
	}
	verdict := processor.Folded
	src := processor.Source{Topic: topic, Partition: rec.Partition, Offset: rec.Offset, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
	if err == nil {
		verdict, err = e.batch.Add(&ev, src, e.windows[rec.Partition])
	}
	var reject *schemas.Reject
	if errors.As(err, &reject) {
		e.got.rejects = append(e.got.rejects, at+" "+string(reject.Reason))
		e.got.verdicts = append(e.got.verdicts, "rejected")
		return
	}
	e.got.verdicts = append(e.got.verdicts, []string{"counted", "duplicate", "unknown", "tick"}[verdict])
	if verdict == processor.Tick {
		e.flush(false)
		e.do(e.memory.Tick(e.batch, src))
		e.take()
	}
}

func (e *engine) flush(twice bool) {
	if twice {
		e.do(e.memory.Clone().Fold(e.batch))
		e.batch.Rewind()
	}
	e.do(e.memory.Fold(e.batch))
	e.take()
}

// take writes down what the batch did, and empties it.
func (e *engine) take() {
	for _, c := range e.batch.Changes() {
		b := &e.cat.Badges[c.Badge]
		event := schemas.BadgeEvent{Revoked: c.Revoked, Group: group, User: c.User, Time: c.Source.Time,
			Badge: b.Slug, Tier: b.Tier, Category: b.Category, Criterion: b.Criterion, EarnedAt: c.EarnedAt,
			Cause:   schemas.Cause{Topic: c.Source.Topic, Partition: c.Source.Partition, Offset: c.Source.Offset, ID: c.Source.ID, Source: c.Source.Origin},
			Ordinal: c.Ordinal, CatalogVersion: 1, UserVersion: c.Version, Reason: schemas.ReasonActivity}
		for i, n := range e.cat.CriterionCounters(c.Badge) {
			event.Counters = append(event.Counters, schemas.Number{Name: e.cat.Counters[n].Name, Value: c.Counters[i]})
		}
		e.got.history = append(e.got.history, string(event.AppendStructured(nil)))
	}
	e.batch.Reset()
}

func (e *engine) do(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// finish writes down all rows.
func (e *engine) finish() {
	view := e.cat.View(1)
	known := schemas.NewCompleter(&view)
	e.got.counters = map[string]map[string]int64{}
	now := e.memory.Clock()
	if now == 0 {
		now = schemas.MinTime // before the first tick nobody has an age
	}
	e.memory.Users(func(f processor.Final) {
		var s schemas.Snapshot
		processor.FillSnapshot(e.cat, &f, &s)
		e.got.user(e.cat, f.User, f.Version, f.Counters, &s, known.Progress(&s, now))
	})
	e.memory.Rows(func(k processor.MemberKey, m processor.MemberPrior) {
		if !e.cat.Collections[k.Collection].ByTime {
			m.At = 0
		}
		e.got.row("member", k.User, int(k.Collection), k.Entity, k.Member, int64(m.State), m.At)
	}, func(k processor.EntityKey, r processor.EntityRow) {
		if r.Prior != 0 || r.Sums != [catalog.MaxSums]int64{} {
			e.got.row("thing", k.User, int(k.Collection), k.Entity, int64(r.Prior), r.Sums)
		}
	})
	for i := range e.cat.Collections {
		if e.cat.Collections[i].Kind == catalog.First {
			e.got.row("places", i, e.memory.Places(i))
		}
	}
	e.got.row("clock", e.memory.Clock())
	e.got.sort()
}

func (r *result) user(cat *catalog.Catalog, name string, version int64, counters []int64, s *schemas.Snapshot, p schemas.Progress) {
	r.users = append(r.users, fmt.Sprintf("%q version %d counters %v\n    %s\n    %+v", name, version, counters, s.Append(nil), p))
	r.counters[name] = map[string]int64{}
	for i := range cat.Counters {
		r.counters[name][cat.Counters[i].Name] = counters[i]
	}
}

func (r *result) row(parts ...any) { r.rows = append(r.rows, fmt.Sprintf("%q", parts)) }

func (r *result) sort() {
	slices.Sort(r.users)
	slices.Sort(r.rows)
}

// expectSame wants two results to be one.
func expectSame(t *testing.T, engine, oracle *result) {
	t.Helper()
	for _, part := range []struct {
		name      string
		got, want []string
	}{{"verdicts", engine.verdicts, oracle.verdicts}, {"rejects", engine.rejects, oracle.rejects}, {"history", engine.history, oracle.history},
		{"users", engine.users, oracle.users}, {"rows", engine.rows, oracle.rows}} {
		for i := range max(len(part.got), len(part.want)) {
			got, want := "nothing more", "nothing more"
			if i < len(part.got) {
				got = part.got[i]
			}
			if i < len(part.want) {
				want = part.want[i]
			}
			if got != want {
				t.Errorf("%s differ, %d of the engine and %d of the oracle, from %d on:\nengine %s\noracle %s", part.name, len(part.got), len(part.want), i, got, want)
				break
			}
		}
	}
}

func text(log []*differential.Record) string {
	var b strings.Builder
	for _, r := range log {
		fmt.Fprintf(&b, "%d/%d at %d %s", r.Partition, r.Offset, r.Timestamp, r.Value)
		for _, h := range r.Headers {
			fmt.Fprintf(&b, " %s=%s", h.Key, h.Value)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
