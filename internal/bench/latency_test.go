package bench

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/schemas"
)

func TestLatency(t *testing.T)     { t.Parallel(); testLatency(t, stacktest.Embedded(t)) }
func TestRealLatency(t *testing.T) { t.Parallel(); testLatency(t, stacktest.Real(t)) }

// testLatency watches a few hundred probes at two rates.
func testLatency(t *testing.T, stack *stacktest.Stack) {
	b, r := on(t, stack), &Result{}
	plan := latencyPlan{rates: []int{200, 500}, warm: 500 * time.Millisecond, counted: 2 * time.Second, probes: 100, patience: time.Minute}
	if err := b.latency(t.Context(), r, plan); err != nil {
		t.Fatal(err)
	}
	found := named(t, r, "latency", 18)
	for _, rate := range []string{"200/s", "500/s"} {
		for _, what := range []string{"badge event", "snapshot"} {
			last := 0.0
			for _, q := range []string{"p50", "p95", "p99", "longest"} {
				f := found[what+", "+q+" at "+rate]
				if f.Value <= 0 || f.Value < last || f.Unit != "ms" || !f.Lower || f.Base != nil {
					t.Errorf("%s after %g: %+v", q, last, f)
				}
				last = f.Value
			}
		}
		kept := found["rate kept up at "+rate]
		if kept.Base == nil || kept.Value <= 0 || kept.Value > *kept.Base || kept.Lower {
			t.Errorf("of the pace %+v was kept up", kept)
		}
	}
	nothingLeft(t, b)
}

// named gives the figures of a measure by their names.
func named(t *testing.T, r *Result, measure string, want int) map[string]Figure {
	t.Helper()
	found := map[string]Figure{}
	for _, f := range r.Figures {
		if f.Measure != measure {
			t.Errorf("%+v is not of the measure %s", f, measure)
		}
		found[f.Name] = f
	}
	if len(found) != want || len(r.Figures) != want {
		t.Fatalf("there are %d figures by %d names, want %d: %+v", len(r.Figures), len(found), want, r.Figures)
	}
	return found
}

// TestLateEventsAreTheirs: a producer that cannot send in time hides nothing.
func TestLateEventsAreTheirs(t *testing.T) {
	w := newWatch(latencyPlan{warm: time.Second, counted: time.Second, probes: 10}, 100)
	if w.events != 200 || w.every != 10 || len(w.awards) != 20 {
		t.Fatalf("%d events with %d probes, one in %d, want 200 with 20, one in 10", w.events, len(w.awards), w.every)
	}
	// All of them are seen at the end, whenever that was sent.
	for i := range w.awards {
		w.awards[i], w.snapshots[i] = 3*time.Second, 2*time.Second
	}
	took := w.took(w.awards, time.Second)
	if len(took) != 10 || took[0] != 2000 || took[9] != 1100 {
		t.Errorf("the probes of the second second took %v ms, want 2000 to 1100", took)
	}
	var r Result
	w.report(&r, latencyPlan{warm: time.Second})
	found := named(t, &r, "latency", 9)
	if kept := found["rate kept up at 100/s"]; kept.Value < 63.3 || kept.Value > 63.4 {
		t.Errorf("190 events before the last probe in 3 s are told as %g/s", kept.Value)
	}
	// Of 1100, 1200 … 2000 ms; in the order of time, the last quarter is one probe.
	for name, want := range map[string]float64{"p50": 1500, "p95": 2000, "longest": 2000} {
		f := found["badge event, "+name+" at 100/s"]
		if f.Value != want || len(f.Rounds) != 4 || f.Rounds[3] != 1100 || found["snapshot, "+name+" at 100/s"].Value != want-1000 {
			t.Errorf("%s is told as %+v, want %g, and of snapshots 1000 less", name, f, want)
		}
	}
}

// TestSchedule: events are due evenly, by the millisecond, and none before.
func TestSchedule(t *testing.T) {
	s := schedule{rate: 3_000, began: time.Now()}
	var at []time.Duration
	late, err := s.keep(t.Context(), 30, func(int64) error {
		at = append(at, time.Since(s.began))
		return nil
	})
	if err != nil || len(at) != 30 {
		t.Fatalf("%d of 30 events were sent: %v", len(at), err)
	}
	for i, sent := range at {
		// 3 in each millisecond.
		if due := time.Duration(i/3) * time.Millisecond; s.due(int64(i)) != due || sent < due {
			t.Errorf("event %d is due after %s, want %s, and was sent after %s", i, s.due(int64(i)), due, sent)
		}
	}
	if late <= 0 || late > at[29] {
		t.Errorf("the latest was %s late", late)
	}
}

// TestWatchersSayWhatIsMissing: no engine runs, so nothing comes.
func TestWatchersSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := on(t, stacktest.Embedded(t))
	l, err := b.goLive(t.Context(), "silent", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	people, err := l.history(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plan := latencyPlan{counted: 100 * time.Millisecond, probes: 100}
	w := newWatch(plan, 200)
	_, err = w.over(t.Context(), l, plan, people, nil)
	if err == nil || !strings.Contains(err.Error(), "10 of 10 probes") || !strings.Contains(err.Error(), "did not come") {
		t.Errorf("it says %v", err)
	}
	if w.end() != 0 {
		t.Errorf("badge events were seen at %v and snapshots at %v", w.awards, w.snapshots)
	}
}

// TestProbeOf: a probe is known by the cause of its badge event.
func TestProbeOf(t *testing.T) {
	w := newWatch(latencyPlan{counted: time.Second, probes: 10}, 10)
	for cause, want := range map[string]int{"probe-0": 0, "probe-9": 9, "probe-10": -1, "probe-start": -1, "visit-3": -1, "3": -1} {
		e := schemas.BadgeEvent{User: "probe-5", Group: "g", Badge: "first", Cause: schemas.Cause{ID: cause, Source: "/s", Topic: "t"}}
		i, ok, err := w.probeOf(&kgo.Record{Value: e.AppendStructured(nil)})
		if err != nil || ok != (want >= 0) || ok && i != want {
			t.Errorf("the badge event that %s caused is of probe %d (%t, %v), want %d", cause, i, ok, err, want)
		}
	}
	other := schemas.BadgeEvent{User: "mira", Cause: schemas.Cause{ID: "visit-3"}}
	if i, ok, err := w.probeOf(&kgo.Record{Value: other.AppendStructured(nil)}); ok || err != nil {
		t.Errorf("somebody else's badge event is of probe %d, %v", i, err)
	}
	if _, _, err := w.probeOf(&kgo.Record{Topic: "badges", Value: []byte(`{"subject":"probe-1"`)}); err == nil {
		t.Error("a badge event that cannot be read is passed over")
	}
}

// TestDeadEngineIsNoticed: whoever waits for what it would do is told.
func TestDeadEngineIsNoticed(t *testing.T) {
	t.Parallel()
	b := on(t, stacktest.Embedded(t))
	p, living, err := b.start(t.Context(), []string{"run", "--catalog", "no-such-catalogue"})
	if err != nil {
		t.Fatal(err)
	}
	<-living.Done()
	if cause := context.Cause(living); !strings.Contains(cause.Error(), "no-such-catalogue") {
		t.Errorf("the cause is %v, and should be what the process said", cause)
	}
	if err := p.stop(); err == nil || !strings.Contains(err.Error(), "no-such-catalogue") {
		t.Errorf("stopping it gives %v", err)
	}
}
