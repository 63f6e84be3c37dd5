package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"

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
	if want := engine.Rate / plain.Rate; r.Ratio != want {
		t.Errorf("the ratio is %g, want %g", r.Ratio, want)
	}
	if profile, err := os.Stat(filepath.Join(profiles, "engine-1.pprof")); err != nil || profile.Size() == 0 {
		t.Errorf("there is no profile: %v", err)
	}
	expectNothingLeft(t, stack)
	return &r, a.out
}

// expectNothingLeft looks for what the benchmark made.
func expectNothingLeft(t *testing.T, stack *stacktest.Stack) {
	t.Helper()
	adm := kadm.NewClient(newClient(t, stack.Brokers[0]))
	topics, err := adm.ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	groups, err := adm.ListGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), stack.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), "SELECT nspname FROM pg_namespace")
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	options, err := redis.ParseURL(stack.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(topics.Names(), groups.Groups(), schemas, keys) {
		if strings.HasPrefix(name, "bench-") {
			t.Errorf("%s was left behind", name)
		}
	}
}
