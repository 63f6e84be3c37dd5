package telemetry

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestTimesAreRightWithinThreePercent(t *testing.T) {
	tel := start(t, Config{})
	rng := rand.New(rand.NewPCG(1, 2))
	var seconds []float64
	for range 10_001 {
		// From a millisecond to ten seconds, each power of ten as often.
		took := time.Duration(math.Pow(10, 6+4*rng.Float64()))
		seconds = append(seconds, took.Seconds())
		tel.Pipeline.Batch(t.Context(), 1, took)
	}
	slices.Sort(seconds)
	got := tel.Pipeline.BatchTimes()
	if got.Count != 10_001 || got.Max != seconds[10_000] {
		t.Errorf("%d batches, the longest %g s; want 10001 and %g s", got.Count, got.Max, seconds[10_000])
	}
	for _, q := range []struct {
		name      string
		got, want float64
	}{{"median", got.P50, seconds[5_000]}, {"95th percentile", got.P95, seconds[9_500]}} {
		if math.Abs(q.got/q.want-1) > 0.03 {
			t.Errorf("the %s is %g s, want %g s", q.name, q.got, q.want)
		}
	}
}

func TestTimesOfFewAndOfExtremes(t *testing.T) {
	var d durations
	if got := d.times(); got != (Times{}) {
		t.Errorf("without any there are %+v", got)
	}
	d.add(0)
	if got := d.times(); got.Count != 1 || got.P50 != 0 || got.P95 != 0 || got.Max != 0 {
		t.Errorf("of no time at all there is %+v", got)
	}
	d.add(24 * time.Hour)
	if got := d.times(); got.Count != 2 || got.P50 > 0.0002 || got.Max != 86_400 {
		t.Errorf("of nothing and a day there is %+v", got)
	}
}
