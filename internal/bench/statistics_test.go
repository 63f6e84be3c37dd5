package bench

import (
	"math"
	"testing"
)

func TestMedianAndQuantiles(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{7}, 7}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("the median of %v is %g, want %g", c.values, got, c.want)
		}
	}
	var hundred []float64
	for n := 100; n >= 1; n-- {
		hundred = append(hundred, float64(n))
	}
	if got, want := NewSpread(hundred), (Spread{Count: 100, P50: 50, P95: 95, Max: 100}); *got != want {
		t.Errorf("of 1 to 100 there is %+v, want %+v", *got, want)
	}
	if hundred[0] != 100 {
		t.Error("the caller's values were sorted")
	}
	if got, want := NewSpread([]float64{3}), (Spread{Count: 1, P50: 3, P95: 3, Max: 3}); *got != want {
		t.Errorf("of one value there is %+v, want %+v", *got, want)
	}
	if got := NewSpread(nil); got != nil {
		t.Errorf("of no values there is %+v", *got)
	}
}

func TestSummaryTakesEachFiguresMedian(t *testing.T) {
	turn := func(contender string, rate, own, others float64, memory int64, batches *Spread) Turn {
		return Turn{Contender: contender, Report: Report{Batches: batches}, Figures: Figures{
			Rate: rate, CPU: map[string]float64{contender: own, "postgres": 2 * own}, OtherCores: &others, PeakMemory: &memory,
		}}
	}
	turns := []Turn{
		turn(Engine, 100, 9, 0.3, 20, &Spread{Count: 4, P50: 0.2, P95: 0.9, Max: 1}),
		turn(Plain, 5, 70, 0.1, 10, nil),
		turn(Engine, 300, 7, 0.1, 90, &Spread{Count: 6, P50: 0.4, P95: 0.5, Max: 5}),
		turn(Engine, 200, 8, 0.2, 30, &Spread{Count: 8, P50: 0.3, P95: 0.7, Max: 2}),
	}
	m := summarise(Engine, turns)
	if m.Rate != 200 || m.RateMin != 100 || m.RateMax != 300 {
		t.Errorf("rate %g from %g to %g, want 200 from 100 to 300", m.Rate, m.RateMin, m.RateMax)
	}
	if m.CPU[Engine] != 8 || m.CPU["postgres"] != 16 || len(m.CPU) != 2 {
		t.Errorf("CPU is %v, want 8 and Postgres's 16", m.CPU)
	}
	if *m.OtherCores != 0.2 || *m.PeakMemory != 90 {
		t.Errorf("other cores %g and memory %d, want 0.2 and, as it is a bound, the most: 90", *m.OtherCores, *m.PeakMemory)
	}
	if want := (Spread{Count: 6, P50: 0.3, P95: 0.7, Max: 5}); *m.Batches != want {
		t.Errorf("batches are %+v, want %+v", *m.Batches, want)
	}
	if p := summarise(Plain, turns); p.Rate != 5 || p.Batches != nil {
		t.Errorf("the plain consumer's summary is %+v", p)
	}
}

func TestWhatIsUnknownInOneRoundIsLeftOut(t *testing.T) {
	other := 0.5
	turns := []Turn{
		{Contender: Engine, Figures: Figures{Rate: 1, CPU: map[string]float64{Engine: 1}}},
		{Contender: Engine, Figures: Figures{Rate: 2, CPU: map[string]float64{Engine: 3}, OtherCores: &other}},
	}
	m := summarise(Engine, turns)
	if m.CPU[Engine] != 2 || *m.OtherCores != 0.5 || m.PeakMemory != nil || m.Batches != nil {
		t.Errorf("summary is %+v", m)
	}
	if math.IsNaN(m.Rate) {
		t.Error("the rate is no number")
	}
}

func TestPartIsSpreadEvenly(t *testing.T) {
	for _, w := range []Workload{{Events: 10, PlainEvents: 10}, {Events: 1000, PlainEvents: 7}, {Events: 200_000, PlainEvents: 20_000}, {Events: 3, PlainEvents: 2}} {
		taken, widest, last := int64(0), int64(0), int64(-1)
		for n := range w.Events {
			if w.inPart(n) {
				taken++
				widest, last = max(widest, n-last), n
			}
		}
		if taken != w.PlainEvents || widest > w.Events/w.PlainEvents+1 {
			t.Errorf("of %d events %d are taken, want %d; they are up to %d apart", w.Events, taken, w.PlainEvents, widest)
		}
	}
}

func TestWorkloadsThatMakeNoSense(t *testing.T) {
	good := Workload{Events: 100, Users: 10, Partitions: 4, PlainEvents: 10, Rounds: 1}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Workload){
		"no events":       func(w *Workload) { w.Events = 0 },
		"no rounds":       func(w *Workload) { w.Rounds = 0 },
		"a part too much": func(w *Workload) { w.PlainEvents = 101 },
		"one user":        func(w *Workload) { w.Users = 1 },
		"an odd skew":     func(w *Workload) { w.Skew = 0.5 },
	} {
		w := good
		spoil(&w)
		if w.Check() == nil {
			t.Errorf("%s: nothing is said", name)
		}
	}
}
