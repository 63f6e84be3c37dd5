package processor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// BenchmarkEvaluate looks at users of whom one event has just moved one
// counter. Beside Starview's 27 badges the catalogue has more and more of the
// same counters: what is said of them is that a user costs the same. One
// operation is 1,000 users.
//
//   - nothing: the counter moves between two thresholds; half of the badges are held.
//   - first: the user's first badge.
//   - next: the counter reaches a threshold in the middle; half of the badges
//     are held already, and the list of them is made anew.
func BenchmarkEvaluate(b *testing.B) {
	for _, badges := range []int{27, 100, 1_000, 10_000} {
		cat := manyBadges(b, badges)
		visits := cat.CounterIndex("location_visits")
		steps := cat.Counters[visits].Steps
		middle := steps[len(steps)/2].At
		half := make([]int64, len(cat.Counters))
		for c := range half {
			if steps := cat.Counters[c].Steps; len(steps) > 0 && cat.Counters[c].Kind == catalog.Number {
				half[c] = steps[len(steps)/2].At
			}
		}
		for _, c := range []struct {
			name   string
			others []int64
			visits int64 // after the event
			awards int
		}{
			{"nothing", half, middle + 2, 0},
			{"first", make([]int64, len(cat.Counters)), steps[0].At, 1},
			{"next", half, middle, 1},
		} {
			b.Run(fmt.Sprintf("%s/badges=%d", c.name, badges), func(b *testing.B) {
				row := processor.UserRow{Version: 100, Counters: slices.Clone(c.others)}
				row.Counters[visits] = c.visits - 1
				row.Held = heldBy(cat, row.Counters)
				row.Counters[visits]++
				evaluate(b, cat, &row, c.awards)
			})
		}
	}
}

// evaluate measures how long 1,000 users with that row take, each of whom has
// just visited a place.
func evaluate(b *testing.B, cat *catalog.Catalog, row *processor.UserRow, awards int) {
	const users = 1000
	batch, window := processor.New(cat), processor.NewWindow(1)
	rows := make([]processor.UserRow, users)
	for i := range rows {
		ev := schemas.Event{ID: fmt.Sprint(i), Source: "/bench", Type: "starview.location.visited", Subject: fmt.Sprintf("user-%03d", i),
			Time: 1_767_225_600_000_000, HasTime: true, Data: []byte(`{"location":"observatory"}`)}
		if _, err := batch.Add(&ev, processor.Source{Offset: int64(i), ID: ev.ID, Origin: ev.Source, Time: ev.Time}, window); err != nil {
			b.Fatal(err)
		}
		rows[i] = *row
	}
	var nothing emptiness
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		batch.Rewind()
		if n := len(nothing.rows(b, batch)); n != users {
			b.Fatalf("%d users, want %d", n, users)
		}
		b.StartTimer()
		if err := batch.ApplyUsers(rows); err != nil {
			b.Fatal(err)
		}
	}
	if n := len(batch.Changes()); n != awards*users {
		b.Fatalf("%d badges are awarded to %d users, want %d each", n, users, awards)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/users, "ns/user")
	b.ReportMetric(float64(len(row.Held)), "held")
}

// manyBadges is Starview with badges added to its counters, in turn, 1,000
// apart: what was between two thresholds of Starview's stays so.
func manyBadges(b *testing.B, badges int) *catalog.Catalog {
	b.Helper()
	text, _ := schemas.CatalogText("starview")
	counters := []string{"location_visits", "locations_added", "reviews_written", "upvotes_received",
		"followers", "comments_written", "photos_uploaded", "votes_received"}
	more := badges - 27
	var added strings.Builder
	for c, counter := range counters {
		if c >= more {
			break
		}
		fmt.Fprintf(&added, "  - category: MORE\n    criterion: MORE_%s\n    counter: %s\n    badges:\n", strings.ToUpper(counter), counter)
		for i := c; i < more; i += len(counters) {
			fmt.Fprintf(&added, "      - {slug: more-%d, name: More %d, tier: 1, at_least: %d}\n", i, i, 1000*(1+i/len(counters)))
		}
	}
	cat, err := catalog.Parse("many.yaml", append(slices.Clone(text), added.String()...))
	if err != nil {
		b.Fatal(err)
	}
	if len(cat.Badges) != badges {
		b.Fatalf("%d badges, want %d", len(cat.Badges), badges)
	}
	return cat
}

// heldBy are the badges that these counters fulfil.
func heldBy(cat *catalog.Catalog, counters []int64) []processor.Held {
	var held []processor.Held
	for id, badge := range cat.ByID {
		if isTrue(cat, badge, counters, 0) {
			held = append(held, processor.Held{Badge: int16(id), At: 1_767_225_600_000_000})
		}
	}
	return held
}
