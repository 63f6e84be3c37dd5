package bench

import (
	"strings"
	"testing"
)

// example is a result whose figures are easy to check by hand.
func example() *Result {
	memory, machine, quiet := int64(300<<20), int64(8<<30), 0.02
	engine := Median{Contender: Engine, RateMin: 50_000, RateMax: 70_000, Batches: &Spread{Count: 1200, P50: 0.25, P95: 0.5, Max: 1.5}, Figures: Figures{
		Rate: 60_000, OtherCores: &quiet, PeakMemory: &memory,
		CPU: map[string]float64{Engine: 10, "kafka": 2, "postgres": 7, "redis": 1},
	}}
	plain := Median{Contender: Plain, RateMin: 1_900, RateMax: 2_100, Figures: Figures{
		Rate: 2_000, OtherCores: &quiet,
		CPU: map[string]float64{Plain: 200, "kafka": 50, "postgres": 240, "redis": 10},
	}}
	return &Result{
		Version: "v1", Machine: Machine{OS: "linux", Arch: "amd64", Cores: 2, Processor: "Abacus", Memory: &machine, Go: "go1.26"},
		Servers: []Server{
			{Role: "kafka", Name: "Kafka", Version: "4.1.1", Address: "127.0.0.1:9092", Origin: "given", Real: true, PID: 11},
			{Role: "postgres", Name: "Postgres", Version: "17.1", Address: "127.0.0.1:5432", Origin: "given", Real: true, PID: 12},
			{Role: "redis", Name: "Redis", Version: "7.2", Address: "127.0.0.1:6379", Origin: "given", Real: true, PID: 13},
		},
		Workload: Workload{Events: 200_000, Users: 20_000, Seed: 1, Partitions: 4, PlainEvents: 20_000, Rounds: 3, Catalog: "starview"},
		Measures: measureNames(),
		Medians:  []Median{engine, plain}, Ratio: 30,
	}
}

func table(t *testing.T, r *Result) string {
	t.Helper()
	var out strings.Builder
	if err := r.WriteTable(&out, nil); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTable(t *testing.T) {
	const want = `Kafka 4.1.1 at 127.0.0.1:9092, given; Postgres 17.1 at 127.0.0.1:5432, given; Redis 7.2 at 127.0.0.1:6379, given; on 2 cores, Abacus, 8.0 GiB, linux/amd64, go1.26
badgestream v1; 200,000 events of 20,000 users (skew 0, seed 1) in 4 partitions, 20,000 of them, spread evenly, for the plain consumer; catalogue starview; medians of 3 rounds

                                       engine        plain  factor
events/s                               60,000        2,000  30.0 ×
  slowest to fastest round      50,000–70,000  1,900–2,100
CPU seconds per million events
  its own process                        10.0        200.0
  kafka                                   2.0         50.0
  postgres                                7.0        240.0
  redis                                   1.0         10.0
  all                                    20.0        500.0  25.0 ×
batches, of plain: polls                1,200      unknown
  p50, ms                                 250      unknown
  p95, ms                                 500      unknown
  longest, ms                           1,500      unknown
peak memory, MiB                          300      unknown
`
	if got := table(t, example()); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

func TestImitationsAreSaidLoudlyAndFirst(t *testing.T) {
	r := example()
	r.Servers[0].Real = false
	if got := table(t, r); !strings.HasPrefix(got, "NOT ON REAL SERVERS, SO THESE FIGURES DO NOT COUNT: Kafka") {
		t.Errorf("the table is\n%s", got)
	}
}

func TestUnseenServersHaveNoCPUTime(t *testing.T) {
	r := example()
	r.Servers[1].PID = 0
	for _, m := range r.Medians {
		delete(m.CPU, "postgres")
	}
	got := table(t, r)
	for _, want := range []string{
		"  postgres                            unknown      unknown\n",
		"  all                                 unknown      unknown\n",
		"\nThe CPU time of postgres is unknown",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestServersInOneProcessShareALine(t *testing.T) {
	r := example()
	for _, m := range r.Medians {
		m.CPU["kafka+redis"] = m.CPU["kafka"] + m.CPU["redis"]
		delete(m.CPU, "kafka")
		delete(m.CPU, "redis")
	}
	got := table(t, r)
	if !strings.Contains(got, "  kafka+redis                             3.0         60.0\n") || !strings.Contains(got, "  all                                    20.0        500.0  25.0 ×\n") {
		t.Errorf("the table is\n%s", got)
	}
}

func TestABusyMachineIsTold(t *testing.T) {
	r := example()
	busy := 0.75
	r.Medians[1].OtherCores = &busy
	got := table(t, r)
	if strings.Count(got, "Other programs kept") != 1 || !strings.Contains(got, "0.75 of 2 cores busy meanwhile (plain)") {
		t.Errorf("the table is\n%s", got)
	}
}

func TestFiguresAndCurvesHaveTables(t *testing.T) {
	r := example()
	r.Medians, r.Measures = nil, []string{"drain", "members", "curves"}
	base := 50_000.0
	r.Figures = []Figure{
		{Measure: "members", Name: "drain", Value: 42_500, Unit: unitRate, With: "9 rows", Of: "an empty table", Base: &base},
		{Measure: "members", Name: "all processes", Value: 21.25, Unit: unitCPU},
		{Measure: "latency", Name: "p99", Value: 9.5, Unit: "ms"},
	}
	r.Curves = []Curve{{Title: "Speed", X: "users", Y: "events/s", Lines: []Line{
		{Name: "engine", Points: [][2]float64{{10, 1_000}, {2_000, 900}}}, {Name: "all", Points: [][2]float64{{10, 1.5}, {2_000, 0.25}}},
	}}}
	r.OtherCores = map[string]float64{"members": 0.5, "curves": 0.01}
	const want = `
measure                                                 value  against   ratio
members
  drain with 9 rows, events/s, against an empty table  42,500   50,000  0.85 ×
  all processes, CPU s per million events                21.2
latency
  p99, ms                                                9.50

Speed, events/s
  users      10  2,000
  engine  1,000    900
  all      1.50   0.25

Other programs kept 0.50 of 2 cores busy meanwhile (members): alone, it would be faster.

` + "`--measure all` measures the rest: "
	got := table(t, r)
	if at := strings.Index(got, "\n\n") + 1; at == 0 || !strings.HasPrefix(got[at:], want) {
		t.Errorf("the table is\n%s\nwant after its head\n%s", got, want)
	}
}
