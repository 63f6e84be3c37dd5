package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/bench"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

func TestBench(t *testing.T) {
	r, table := benchOn(t, stacktest.Embedded(t))
	if r.Real() || !strings.HasPrefix(table, "NOT ON REAL SERVERS") || !strings.Contains(table, "kfake") {
		t.Errorf("it is not said that kfake is no Kafka:\n%s", table)
	}
	for _, turn := range r.Turns {
		if _, known := turn.CPU["kafka"]; known {
			t.Errorf("the CPU time of kfake in this process is said to be %v", turn.CPU)
		}
	}
}

func TestRealBench(t *testing.T) {
	r, table := benchOn(t, stacktest.Real(t))
	if !r.Real() || !strings.HasPrefix(table, "Kafka 4") || r.Servers[2].Name != "Redis" {
		t.Errorf("real servers are not seen to be real:\n%s", table)
	}
	for _, turn := range r.Turns {
		for _, process := range []string{turn.Contender, "kafka", "postgres", "redis"} {
			if time, known := turn.CPU[process]; !known || time < 0 || process != "redis" && time == 0 {
				t.Errorf("%s's CPU time of %s is %g (%t)", turn.Contender, process, time, known)
			}
		}
	}
}

// benchOn runs a small benchmark, and checks what holds on any servers.
func benchOn(t *testing.T, stack *stacktest.Stack) (*bench.Result, string) {
	t.Helper()
	t.Setenv(asProgram, "1")
	file := filepath.Join(t.TempDir(), "result.json")
	profiles := filepath.Join(t.TempDir(), "profiles")
	a := cli(t.Context(), t, nil, "bench", "--servers", "given",
		"--brokers", strings.Join(stack.Brokers, ","), "--postgres", stack.PostgresURL, "--redis", stack.RedisURL,
		"--events", "3000", "--users", "200", "--plain-events", "300", "--rounds", "1", "--json", file, "--profile", profiles)
	a.expect(t, 0, "")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r bench.Result
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Turns) != 2 || r.Turns[0].Contender != bench.Engine || r.Turns[1].Contender != bench.Plain {
		t.Fatalf("turns are %+v, want one of each", r.Turns)
	}
	engine, plain := r.Turns[0], r.Turns[1]
	if engine.Events != 3000 || plain.Events != 300 || engine.Awarded == 0 || plain.Awarded == 0 || engine.Rejected != 0 {
		t.Errorf("the engine folded %+v, want 3000 events, the plain consumer %+v, want 300", engine.Report, plain.Report)
	}
	for _, turn := range r.Turns {
		if turn.Rate <= 0 || turn.CPU[turn.Contender] <= 0 || turn.PeakMemory == nil && runtime.GOOS == "linux" || turn.Batches == nil || turn.Batches.Count == 0 || turn.Batches.Max <= 0 {
			t.Errorf("figures of %s are missing: %+v", turn.Contender, turn)
		}
	}
	if !slices.Equal(r.Measures, []string{"drain"}) || !strings.Contains(lastLine(a.out), "`--measure all` measures the rest: skew, members,") {
		t.Errorf("measured were %v; the last line is %q", r.Measures, lastLine(a.out))
	}
	if want := engine.Rate / plain.Rate; r.Ratio != want {
		t.Errorf("the ratio is %g, want %g", r.Ratio, want)
	}
	if profile, err := os.Stat(filepath.Join(profiles, "engine-1.pprof")); err != nil || profile.Size() == 0 {
		t.Errorf("there is no profile: %v", err)
	}
	if !strings.HasPrefix(r.Prefix, "bench-") {
		t.Errorf("the prefix is %q", r.Prefix)
	}
	expectNothingLeft(t, stack, r.Prefix) // other benchmarks may run beside it
	return &r, a.out
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// TestBenchCompares measures something else than the drain, twice.
func TestBenchCompares(t *testing.T) {
	t.Setenv(asProgram, "1")
	stack := stacktest.Embedded(t)
	file := filepath.Join(t.TempDir(), "result.json")
	args := []string{"bench", "--servers", "given", "--measure", "badges",
		"--brokers", strings.Join(stack.Brokers, ","), "--postgres", stack.PostgresURL, "--redis", stack.RedisURL,
		"--events", "1000", "--users", "100", "--rounds", "1"}
	first := cli(t.Context(), t, nil, append(args, "--badges", "200", "--json", file)...)
	first.expect(t, 0, "")
	second := cli(t.Context(), t, nil, append(args, "--badges", "300", "--compare", file)...)
	second.expect(t, 0, "")
	for _, want := range []string{"\nbadges\n  drain with 300 badges, events/s, against 27 badges  ", "Compared with badgestream " + version() + " of ", "then with 200 badges, now with 300 badges"} {
		if !strings.Contains(second.out, want) {
			t.Errorf("%q is missing in\n%s", want, second.out)
		}
	}
	if strings.Contains(second.out, "peak memory") || !strings.Contains(lastLine(second.out), "measures the rest: drain, skew, members, rebuild, latency, beside") {
		t.Errorf("the drain was not measured, and stands there; or it is not said what else there is:\n%s", second.out)
	}
	expectNothingLeft(t, stack, "bench-")
}

// TestBenchRefuses wants what is wrong to be found before any server is asked.
func TestBenchRefuses(t *testing.T) {
	foreign := writeFile(t, `{"events": 5}`)
	for line, want := range map[string]string{
		"--measure drian":             "--measure: \"drian\" is no measure: did you mean drain?",
		"--measure drain,":            "--measure: \"\" is no measure: there are drain, ",
		"--servers mine":              "--servers: \"mine\" is not known",
		"--rounds 0":                  "--rounds and --partitions must be at least 1",
		"--members 0":                 "--members must be at least 1",
		"--badges 5":                  "--badges 5 are fewer than the 27 of catalogue starview",
		"--svg x":                     "--svg: drain draws no curve",
		"--events 5 --plain-events 6": "--plain-events 6 are more than the 5 of --events",
		"--compare " + foreign:        foreign + " is no result of `badgestream bench --json`",
		"--compare nowhere.json":      "--compare: read the earlier run: open nowhere.json: no such file or directory",
	} {
		status := exitUsage
		if strings.HasPrefix(line, "--compare") {
			status = exitFailure
		}
		a := cli(t.Context(), t, nil, append([]string{"bench"}, strings.Fields(line)...)...)
		a.expect(t, status, want)
		if strings.Count(a.errOut, "\n") != 1 || a.out != "" {
			t.Errorf("%s: not one clear sentence, or something was started:\n%s%s", line, a.errOut, a.out)
		}
	}
}

// expectNothingLeft looks for what the benchmark made: all that begins with the
// prefix. Kafka tells of a topic for a moment after it was deleted.
func expectNothingLeft(t *testing.T, stack *stacktest.Stack, prefix string) {
	t.Helper()
	patience := time.After(30 * time.Second)
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		var left []string
		for _, name := range stacktest.Names(t, stack.Brokers, stack.PostgresURL, stack.RedisURL) {
			if strings.HasPrefix(name, prefix) {
				left = append(left, name)
			}
		}
		if len(left) == 0 {
			return
		}
		select {
		case <-look.C:
		case <-patience:
			t.Errorf("left behind: %s", strings.Join(left, ", "))
			return
		}
	}
}
