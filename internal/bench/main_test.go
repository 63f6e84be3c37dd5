package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

func TestMain(m *testing.M) {
	status := stacktest.Main(m)
	if err := built.remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = max(status, 1)
	}
	os.Exit(status)
}

// built is badgestream itself, which the measures start: it is built once, by
// the first test that needs it.
var built executable

type executable struct {
	mu     sync.Mutex
	dir    string
	failed error
}

func (e *executable) path(t *testing.T) string {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dir == "" && e.failed == nil {
		e.failed = e.build()
	}
	if e.failed != nil {
		t.Fatal(e.failed)
	}
	return filepath.Join(e.dir, "badgestream")
}

func (e *executable) build() (err error) {
	if e.dir, err = os.MkdirTemp("", "badgestream-bench-test-"); err != nil {
		return err
	}
	out, err := exec.Command("go", "build", "-o", filepath.Join(e.dir, "badgestream"), "github.com/badgestream/badgestream/cmd/badgestream").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build badgestream: %w\n%s", err, out)
	}
	return nil
}

func (e *executable) remove() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dir == "" {
		return nil
	}
	return os.RemoveAll(e.dir)
}

// on makes a small benchmark on the servers.
func on(t *testing.T, stack *stacktest.Stack) *bench {
	t.Helper()
	b, err := newBench(t.Context(), Config{
		Servers:  Servers{Brokers: stack.Brokers, Postgres: stack.PostgresURL, Redis: stack.RedisURL},
		Workload: Workload{Events: 2_000, Users: 100, Seed: 1, Partitions: 4, Rounds: 1, Catalog: "starview"},
		Program:  built.path(t),
		Log:      t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// nothingLeft looks for what a measure made and did not remove. Kafka shows a
// topic for a moment after it was deleted.
func nothingLeft(t *testing.T, b *bench) {
	t.Helper()
	var names []string
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); <-again.C {
		names = slices.DeleteFunc(stacktest.Names(t, b.Servers.Brokers, b.Servers.Postgres, b.Servers.Redis), func(name string) bool { return !strings.HasPrefix(name, b.prefix) })
		if len(names) == 0 {
			return
		}
	}
	t.Errorf("left behind: %s", strings.Join(names, ", "))
}
