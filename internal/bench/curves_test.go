package bench

import (
	"reflect"
	"slices"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

func TestCurves(t *testing.T) {
	b := on(t, stacktest.Embedded(t))
	t.Cleanup(func() { sweepAll(t, b) })
	b.warm = true // nothing is timed here
	b.Workload.Partitions = 2
	workers := b.byWorkers()
	turns, err := b.alongside(t.Context(), &workers)
	if err != nil {
		t.Fatal(err)
	}
	if want := curveRounds * 2; len(turns) != want {
		t.Errorf("there were %d turns, want %d", len(turns), want)
	}
	rate, cpu := workers.rate(turns), workers.cpu(turns)
	if len(rate.Lines) != 1 || len(rate.Lines[0].Points) != 2 || rate.Lines[0].Points[0][0] != 1 || rate.Lines[0].Points[1][0] != 2 {
		t.Fatalf("the rate's curve is %+v", rate)
	}
	for _, l := range slices.Concat(rate.Lines, cpu.Lines) {
		for _, p := range l.Points {
			if p[1] < 0 || p[1] == 0 && l.Name != roleRedis {
				t.Errorf("%s is %g at %g", l.Name, p[1], p[0])
			}
		}
	}
}

func TestDimensions(t *testing.T) {
	b := &bench{Config: Config{
		Workload: Workload{Events: 100_000, Users: 20_000, Partitions: 4, Rounds: 3, Catalog: "starview"},
		Members:  1_000_000, Badges: 10_000,
	}}
	badges, err := b.byBadges(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dimension
		want []int64
		// is what the point's benchmark has of it.
		is func(*point) int64
	}{
		{b.byUsers(), []int64{200, 2_000, 6_666, 20_000, 60_000}, func(p *point) int64 { return int64(p.bench.Workload.Users) }},
		{badges, []int64{27, 100, 1_000, 10_000}, func(p *point) int64 {
			cat, err := catalog.Load(p.bench.Workload.Catalog)
			if err != nil {
				t.Fatal(err)
			}
			return int64(len(cat.Badges))
		}},
		{b.byMembers(), []int64{0, 250_000, 500_000, 1_000_000}, func(p *point) int64 { return p.members }},
		{b.byPartitions(), []int64{1, 2, 4, 8}, func(p *point) int64 { return int64(p.bench.Workload.Partitions) }},
		{b.byWorkers(), []int64{1, 2, 3, 4}, func(p *point) int64 { return int64(p.bench.Workers) }},
		{b.byBatch(), []int64{500, 2_000, 8_000, 32_000}, func(p *point) int64 { return int64(p.bench.Batch) }},
	} {
		var xs, values []int64
		for i := range c.points {
			xs, values = append(xs, c.points[i].x), append(values, c.is(&c.points[i]))
		}
		if !slices.Equal(xs, c.want) || !slices.Equal(values, c.want) {
			t.Errorf("%s: the points are %v and stand for %v, want %v", c.name, xs, values, c.want)
		}
	}
	if b.Workload.Users != 20_000 || b.Workers != 0 || b.Batch != 0 {
		t.Errorf("the benchmark itself has changed: %+v", b.Config)
	}
}

func TestCurvesAreOfMeans(t *testing.T) {
	d := dimension{name: "workers", x: "workers", points: []point{{x: 1}, {x: 4}}}
	turn := func(name string, rate, own, kafka float64) Turn {
		return Turn{Contender: name, Figures: Figures{Rate: rate, CPU: map[string]float64{name: own, roleKafka: kafka}}}
	}
	turns := []Turn{turn("workers-1", 10, 5, 1), turn("workers-4", 30, 6, 2), turn("workers-4", 50, 8, 2), turn("workers-1", 12, 7, 1)}
	rate, cpu := d.rate(turns), d.cpu(turns)
	if want := [][2]float64{{1, 11}, {4, 40}}; !slices.Equal(rate.Lines[0].Points, want) {
		t.Errorf("the rates are %v, want %v", rate.Lines[0].Points, want)
	}
	want := []Line{
		{Name: "all seen", Points: [][2]float64{{1, 7}, {4, 9}}},
		{Name: Engine, Points: [][2]float64{{1, 6}, {4, 7}}},
		{Name: roleKafka, Points: [][2]float64{{1, 1}, {4, 2}}},
	}
	if !reflect.DeepEqual(cpu.Lines, want) {
		t.Errorf("the CPU times are %v, want %v", cpu.Lines, want)
	}
	if rate.Name != "workers-rate" || cpu.Name != "workers-cpu" {
		t.Errorf("the curves are %s and %s", rate.Name, cpu.Name)
	}
}
