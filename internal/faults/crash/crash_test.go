package crash_test

import (
	"flag"
	"os"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/faults/crash"
)

var seed = flag.Uint64("faults.seed", 1, "what the events and the places of faults are drawn from")

func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }

// TestRealCrashPoints kills the engine at each of its crash points, and does
// each other harm once at each server. `go run ./internal/faults/cmd/proof
// --full` does all there is.
func TestRealCrashPoints(t *testing.T) {
	stack := stacktest.Real(t)
	ctx := t.Context()
	binary, err := crash.Build(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	runner, err := crash.NewRunner(ctx, crash.Servers{Brokers: stack.Brokers, Postgres: stack.PostgresURL, Redis: stack.RedisURL, Prefix: stack.Prefix}, binary)
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	report := crash.NewReport(*seed)
	runner.RunAll(ctx, crash.Cheap(*seed), 4, func(r crash.Result) {
		report.Add(r)
		t.Log(r.Line())
		if r.Err != nil {
			t.Fail()
		}
	})
	t.Log(report.Summary())
}
