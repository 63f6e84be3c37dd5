package bench

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// earlier is a run with two rounds and two figures, easy to check by hand.
func earlier() *Result {
	r := example()
	r.Started = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	turn := func(contender string, round int, rate, cpu float64) Turn {
		return Turn{Contender: contender, Round: round, Figures: Figures{Rate: rate, CPU: map[string]float64{contender: cpu}}}
	}
	r.Turns = []Turn{
		turn(Engine, 1, 58_000, 19), turn(Plain, 1, 1_900, 490),
		turn(Plain, 2, 2_100, 510), turn(Engine, 2, 62_000, 21),
	}
	base := 100.0
	r.Figures = []Figure{
		{Measure: "members", Name: "drain", Value: 80, Unit: unitRate, With: "9 rows", Of: "an empty table", Base: &base, Rounds: []float64{70, 90}, BaseRounds: []float64{100, 100}},
		{Measure: "members", Name: "all processes", Value: 20, Unit: unitCPU, Lower: true, With: "9 rows"},
		{Measure: "latency", Name: "p99", Value: 10, Unit: "ms", Lower: true},
	}
	return r
}

// saved writes a run and reads it again, as --json and --compare do.
func saved(t *testing.T, r *Result) *Result {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "saved.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := ReadResult(path)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// line finds the one that begins with a label, without the spaces between its
// columns.
func line(t *testing.T, text, label string) string {
	t.Helper()
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, label) {
			return strings.Join(strings.Fields(strings.TrimPrefix(l, label)), " ")
		}
	}
	t.Errorf("no line begins with %q in\n%s", label, text)
	return ""
}

func TestTheSameRunHasNotChanged(t *testing.T) {
	text := earlier().comparison(saved(t, earlier()))
	if strings.Contains(text, "WORSE") || strings.Contains(text, "FAIR") {
		t.Errorf("the comparison with itself is\n%s", text)
	}
	for label, want := range map[string]string{
		"engine, events/s":                    "60,000 60,000 +0.0 % within the noise",
		"engine, CPU s per million events":    "20.0 20.0 +0.0 % within the noise",
		"engine / plain, events/s":            "30.0 30.0 +0.0 % within the noise",
		"latency: p99, ms":                    "10.0 10.0 +0.0 %",
		"members: all processes with 9 rows,": "CPU s per million events 20.0 20.0 +0.0 %",
	} {
		if got := line(t, text, label); got != want {
			t.Errorf("%s: %q, want %q", label, got, want)
		}
	}
}

func TestWhatIsWorseIsMarked(t *testing.T) {
	now := earlier()
	now.Medians[0].CPU = map[string]float64{Engine: 13, "kafka": 2, "postgres": 8, "redis": 1} // 24, and was 20
	now.Turns[0].CPU, now.Turns[3].CPU = map[string]float64{Engine: 23}, map[string]float64{Engine: 25}
	now.Medians[0].Rate, now.Ratio = 30_000, 15
	now.Turns[0].Rate, now.Turns[3].Rate = 29_000, 31_000
	now.Medians[1].CPU = map[string]float64{Plain: 400, "kafka": 50, "postgres": 240, "redis": 10} // 700, and was 500
	now.Turns[1].CPU, now.Turns[2].CPU = map[string]float64{Plain: 690}, map[string]float64{Plain: 710}
	now.Figures[0].Value, now.Figures[0].Rounds = 74, []float64{74, 74} // of 70 to 90
	now.Figures[1].Value = 21.2                                         // 6 % more
	now.Figures[2].Value = 30
	text := now.comparison(saved(t, earlier()))
	for label, want := range map[string]string{
		"engine, events/s":                    "60,000 30,000 -50.0 %", // rates drift: never marked
		"engine, CPU s per million events":    "20.0 24.0 +20.0 % WORSE",
		"plain, CPU s per million events":     "500 700 +40.0 %", // the yardstick
		"engine / plain, events/s":            "30.0 15.0 -50.0 % WORSE",
		"members: drain with 9 rows,":         "events/s, against an empty table 80.0 74.0 -7.5 % within the noise",
		"  its ratio to an empty table":       "0.80 0.74 -7.5 % WORSE, but within the noise",
		"members: all processes with 9 rows,": "CPU s per million events 20.0 21.2 +6.0 % WORSE",
		"latency: p99, ms":                    "10.0 30.0 +200.0 %",
	} {
		if got := line(t, text, label); got != want {
			t.Errorf("%s: %q, want %q", label, got, want)
		}
	}
}

func TestWhatIsBetterIsNotMarked(t *testing.T) {
	now := earlier()
	now.Medians[0].CPU = map[string]float64{Engine: 1, "kafka": 2, "postgres": 7, "redis": 1}
	now.Ratio, now.Figures[0].Value, now.Figures[1].Value = 90, 99, 2
	if text := now.comparison(saved(t, earlier())); strings.Contains(text, "WORSE") {
		t.Errorf("what is better is marked:\n%s", text)
	}
	now.Figures[1].Value = 20.9 // 4.5 %
	if text := now.comparison(saved(t, earlier())); strings.Contains(text, "WORSE") {
		t.Errorf("what is hardly worse is marked:\n%s", text)
	}
}

func TestNoiseIsThatOfEitherRun(t *testing.T) {
	for _, c := range []struct {
		then, now series
		within    bool
	}{
		{series{80, []float64{70, 90}}, series{74, []float64{73, 75}}, true},
		{series{80, []float64{79, 81}}, series{74, []float64{60, 85}}, true},
		{series{80, []float64{75, 90}}, series{74, []float64{60, 79}}, false},
		{series{80, []float64{80}}, series{80, []float64{80}}, false}, // one round tells no noise
	} {
		change := change{then: c.then, now: c.now}
		if got := strings.Contains(change.verdict(), "noise"); got != c.within {
			t.Errorf("from %v to %v is within the noise: %t, want %t", c.then, c.now, got, c.within)
		}
	}
}

func TestUnfairComparisonsAreTold(t *testing.T) {
	for want, change := range map[string]func(*Result){
		"machine: then 2 cores, Abacus, 8.0 GiB, linux/amd64, now 4 cores,": func(r *Result) { r.Machine.Cores = 4 },
		"postgres: then Postgres 17.1, now Postgres 18.0":                   func(r *Result) { r.Servers[1].Version = "18.0" },
		"kafka: then Kafka 4.1.1, now kfake 1":                              func(r *Result) { r.Servers[0].Name, r.Servers[0].Version = "kfake", "1" },
		"events: then 200000, now 5":                                        func(r *Result) { r.Workload.Events = 5 },
		"users: then 20000, now 7":                                          func(r *Result) { r.Workload.Users = 7 },
		"skew: then 0, now 1.1":                                             func(r *Result) { r.Workload.Skew = 1.1 },
		"catalogue: then starview, now stride":                              func(r *Result) { r.Workload.Catalog = "stride" },
		"workers (0: its own choice): then 0, now 3":                        func(r *Result) { r.Settings.Workers = 3 },
		"then with 9 rows, now with 8 rows":                                 func(r *Result) { r.Figures[0].With = "8 rows" },
	} {
		now := earlier()
		change(now)
		text := now.comparison(saved(t, earlier()))
		if !strings.Contains(text, want) || !strings.Contains(text, "NO FAIR COMPARISON") {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestOnlyWhatBothHaveIsCompared(t *testing.T) {
	now, then := earlier(), earlier()
	now.Medians, now.Turns, now.Ratio, now.Figures = nil, nil, 0, now.Figures[2:]
	if text := now.comparison(saved(t, then)); strings.Contains(text, "engine") || strings.Contains(text, "members") || !strings.Contains(text, "latency") {
		t.Errorf("the comparison is\n%s", text)
	}
	now.Figures[0].Measure = "read"
	if text := now.comparison(saved(t, then)); !strings.Contains(text, "The two have no figure in common.") {
		t.Errorf("the comparison is\n%s", text)
	}
	// CPU times of other processes are other figures.
	now = earlier()
	delete(now.Medians[0].CPU, "kafka")
	if text := now.comparison(saved(t, then)); strings.Contains(text, "engine, CPU") {
		t.Errorf("the comparison is\n%s", text)
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "events/s 5", "another object": `{"version": "1", "name": "x"}`, "a list": "[1]",
		"of another type": `{"version": "1", "started": "2026-01-01T00:00:00Z", "machine": {"cores": "two"}}`,
		"no figures":      `{"version": "1", "started": "2026-01-01T00:00:00Z", "machine": {"cores": 2}}`,
	} {
		path := filepath.Join(t.TempDir(), "foreign.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadResult(path); err == nil || !strings.Contains(err.Error(), "foreign.json is no result of `badgestream bench --json`") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	if _, err := ReadResult(filepath.Join(t.TempDir(), "missing.json")); err == nil || !strings.Contains(err.Error(), "missing.json") {
		t.Errorf("of a missing file the error is %v", err)
	}
}
