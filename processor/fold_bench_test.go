package processor_test

import (
	"fmt"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/traffic"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// The history that is folded: Starview's, from its first day on. Events of
// earlier rounds have left the window when they come again.
const (
	historyEvents = 40_000
	historyUsers  = 4_000
	historyWindow = historyEvents / 2
)

// history is a community's events in the order of their offsets, decoded.
type history struct {
	cat    *catalog.Catalog
	events []schemas.Event
	window *processor.Window
	offset int64 // of the next event added
}

func newHistory(b *testing.B) *history {
	b.Helper()
	cat, err := catalog.Load("starview")
	if err != nil {
		b.Fatal(err)
	}
	world, err := traffic.New(traffic.Config{Seed: 1, Users: historyUsers})
	if err != nil {
		b.Fatal(err)
	}
	h := &history{cat: cat, events: make([]schemas.Event, historyEvents), window: processor.NewWindow(historyWindow)}
	for i := range h.events {
		e := world.Next(1_767_225_600_000_000 + int64(i)*20_000)
		if err := schemas.Decode(e.Headers(), e.Data, &h.events[i]); err != nil {
			b.Fatal(err)
		}
	}
	return h
}

// add adds event n of the history, as the next record of the log.
func (h *history) add(b *testing.B, batch *processor.Batch, n int) {
	ev := &h.events[n]
	src := processor.Source{Topic: "activity", Offset: h.offset, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
	h.offset++
	if verdict, err := batch.Add(ev, src, h.window); err != nil || verdict != processor.Folded {
		b.Fatalf("event %d: verdict %d, %v", n, verdict, err)
	}
}

// BenchmarkAdd adds decoded events to batches of 2,000. One operation is one
// event.
func BenchmarkAdd(b *testing.B) {
	h := newHistory(b)
	batch := processor.New(h.cat)
	for n := range h.events { // the window fills
		h.add(b, batch, n)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n = (n + 1) % historyEvents {
		if n%2000 == 0 {
			batch.Reset()
		}
		h.add(b, batch, n)
	}
}

// BenchmarkHistory folds the whole history into an empty store in memory:
// adding the events, and all stages with the store's answers. One operation is
// the history.
func BenchmarkHistory(b *testing.B) {
	for _, size := range []int{2_000, 20_000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			h := newHistory(b)
			batch := processor.New(h.cat)
			b.ReportAllocs()
			for b.Loop() {
				memory := processor.NewMemory(h.cat)
				for n := range h.events {
					h.add(b, batch, n)
					if (n+1)%size == 0 {
						if err := memory.Fold(batch); err != nil {
							b.Fatal(err)
						}
						batch.Reset()
					}
				}
			}
			perEvent(b, historyEvents)
		})
	}
}

// BenchmarkStages folds one batch, the history's last, over and over, without
// a store: it is answered that none of its rows was there. One operation is
// the batch; adding the events is not part of it.
func BenchmarkStages(b *testing.B) {
	for _, size := range []int{2_000, 20_000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			h := newHistory(b)
			batch := processor.New(h.cat)
			for n := historyEvents - size; n < historyEvents; n++ {
				h.add(b, batch, n)
			}
			var nothing emptiness
			b.ReportAllocs()
			for b.Loop() {
				batch.Rewind()
				if err := batch.ApplyUsers(nothing.rows(b, batch)); err != nil {
					b.Fatal(err)
				}
			}
			perEvent(b, size)
		})
	}
}

// perEvent adds what one event costs.
func perEvent(b *testing.B, events int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(events), "ns/event")
}

// emptiness answers for a store in which nothing is. It uses its answers
// again.
type emptiness struct {
	members []processor.MemberPrior
	things  []processor.EntityRow
	users   []processor.UserRow
}

// rows answers a batch's stages up to its users, whose rows it gives.
func (e *emptiness) rows(b *testing.B, batch *processor.Batch) []processor.UserRow {
	b.Helper()
	batch.SetClock(0)
	e.members = e.members[:0]
	for range batch.Members() {
		e.members = append(e.members, processor.MemberPrior{At: processor.NoTime})
	}
	if err := batch.ApplyMembers(e.members); err != nil {
		b.Fatal(err)
	}
	e.things = e.things[:0]
	for _, op := range batch.Entities() {
		e.things = append(e.things, processor.EntityRow{Sums: op.Add})
	}
	if err := batch.ApplyEntities(e.things); err != nil {
		b.Fatal(err)
	}
	var taken []int64
	for range batch.Places() {
		taken = append(taken, 0)
	}
	if err := batch.ApplyPlaces(taken); err != nil {
		b.Fatal(err)
	}
	e.users = e.users[:0]
	for _, op := range batch.Users() {
		e.users = append(e.users, processor.UserRow{Version: op.Events, Counters: op.Add})
	}
	return e.users
}
