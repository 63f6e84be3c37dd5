package bench

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

func TestHistory(t *testing.T)     { t.Parallel(); testHistory(t, stacktest.Embedded(t)) }
func TestRealHistory(t *testing.T) { t.Parallel(); testHistory(t, stacktest.Real(t)) }

func testHistory(t *testing.T, stack *stacktest.Stack) {
	b, r := on(t, stack), &Result{}
	if err := b.histories(t.Context(), r, historyPlan{long: 3_000, short: 10, blocks: 2, block: 5}); err != nil {
		t.Fatal(err)
	}
	f := r.Figures[0]
	if f.Measure != "history" || f.Value <= 0 || f.Base == nil || *f.Base <= 0 || f.Of != "a user with 10" || f.With != "3,000 members" || len(f.Rounds) != 2 || len(f.BaseRounds) != 2 {
		t.Errorf("the first figure is %+v", f)
	}
	nothingLeft(t, b)
}

// TestVisitors asks Redis whether each has the history that is said, before
// and after.
func TestVisitors(t *testing.T) {
	t.Parallel()
	b := on(t, stacktest.Embedded(t))
	l, err := b.goLive(t.Context(), "visitors", 0, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	visits := func(v *visitor) int64 {
		t.Helper()
		text, err := l.redis.Get(t.Context(), snapshots.Key(l.group, v.name)).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		s, err := schemas.ParseSnapshot(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range s.Counters {
			if c.Name == "location_visits" {
				return c.Value
			}
		}
		return 0
	}
	plan := historyPlan{long: 500, short: 3, blocks: 3, block: 4}
	busy, quiet, err := l.visitors(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	if many, few := visits(busy), visits(quiet); many != 500 || few != 3 {
		t.Errorf("one has %d visits and the other %d, want 500 and 3", many, few)
	}
	if err := l.compare(t.Context(), plan, busy, quiet); err != nil {
		t.Fatal(err)
	}
	// A block to warm up, and three that count.
	if many, few := visits(busy), visits(quiet); many != 516 || few != 19 || len(busy.took) != 12 || len(quiet.took) != 12 {
		t.Errorf("afterwards one has %d visits, %d of them timed, and the other %d and %d; want 516 and 19, 12 of each timed", many, len(busy.took), few, len(quiet.took))
	}
}

func TestHistoryFigures(t *testing.T) {
	var r Result
	r.histories(historyPlan{long: 1_000, short: 10, block: 2},
		&visitor{took: []float64{4, 6, 30, 10}, cpu: []float64{3, 1}},
		&visitor{took: []float64{2, 4, 6, 90}, cpu: []float64{0, 1}})
	found := named(t, &r, "history", 2)
	took := found["one more event, median"]
	if took.Value != 8 || *took.Base != 5 || took.Rounds[0] != 5 || took.Rounds[1] != 20 || took.BaseRounds[0] != 3 || took.BaseRounds[1] != 48 {
		t.Errorf("times are told as %+v", took)
	}
	if cpu := found["one more event, Postgres"]; cpu.Value != 2 || *cpu.Base != 0.5 || !cpu.Lower {
		t.Errorf("Postgres's time is told as %+v", cpu)
	}
	// Where its process cannot be seen, nothing is said of it.
	r = Result{}
	r.histories(historyPlan{block: 1}, &visitor{took: []float64{1}}, &visitor{took: []float64{1}})
	named(t, &r, "history", 1)
}
