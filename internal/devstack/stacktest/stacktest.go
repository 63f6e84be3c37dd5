// Package stacktest gives tests a Kafka, a Postgres and a Redis.
//
// The servers are shared by all tests of a package; what is in them is not:
// each call answers with a database, a Redis database, and a prefix for topics
// and groups that no other test has, so tests may run in parallel. A package
// that uses it has
//
//	func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }
//
// Embedded needs nothing installed and is for every test that can do with it.
// Real gives real servers, where there are some: run
//
//	go run ./internal/devstack/cmd/realstack -- go test -count=1 -run Real ./...
//
// which is what CI does; so the names of tests on real servers hold "Real".
package stacktest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/cockroachdb/errors"
)

// The environment that says where real servers are.
const (
	// EnvBrokers, EnvPostgres and EnvRedis are the addresses of real servers
	// that already run; all three are set, or none.
	EnvBrokers  = "BADGESTREAM_TEST_BROKERS"
	EnvPostgres = "BADGESTREAM_TEST_POSTGRES"
	EnvRedis    = "BADGESTREAM_TEST_REDIS"
	// EnvReal, if it is 1, has each package start real servers of its own.
	EnvReal = "BADGESTREAM_TEST_REAL"
	// EnvPatience, such as 100s, is how long a test waits for what must come.
	EnvPatience = "BADGESTREAM_TEST_PATIENCE"
)

// Patience is how long a test waits for what must come: a bound for a hang, far
// beyond what many tests with the race detector need that share a busy machine.
func Patience(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv(EnvPatience)
	if text == "" {
		return 6 * time.Minute
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", EnvPatience, err)
	}
	return d
}

// RealCommand is how tests on real servers are run.
const RealCommand = "go run ./internal/devstack/cmd/realstack -- go test -count=1 -run Real ./..."

const (
	startLimit = 5 * time.Minute // downloads included, the first time
	stopLimit  = 30 * time.Second
)

// servers are what the tests of one package share.
type servers struct {
	mu       sync.Mutex
	running  bool // Main runs, and will stop them
	dir      string
	embedded *devstack.Stack
	real     *devstack.Stack
	failed   error // the first start that failed; others do not try again
}

//nolint:gochecknoglobals // what outlives one test has no other place in package testing
var shared servers

// Main runs a package's tests, stops the servers that they shared, and
// answers with the exit status.
func Main(m *testing.M) int {
	shared.mu.Lock()
	shared.running = true
	shared.mu.Unlock()
	status := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the servers of the tests:", err)
		return max(status, 1)
	}
	return status
}

// Embedded gives the test its own part of the embedded servers: kfake,
// Postgres, and Redis or miniredis.
func Embedded(t testing.TB) *Stack {
	t.Helper()
	s, err := shared.start(&shared.embedded, "embedded", devstack.Options{Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	return share(t, s.Brokers, s.PostgresURL, s.RedisURL)
}

// Real gives the test its own part of real servers, or skips it where there
// are none.
func Real(t testing.TB) *Stack {
	t.Helper()
	NeedReal(t)
	brokers, postgres, redis := os.Getenv(EnvBrokers), os.Getenv(EnvPostgres), os.Getenv(EnvRedis)
	if brokers != "" && postgres != "" && redis != "" {
		return share(t, strings.Split(brokers, ","), postgres, redis)
	}
	if brokers+postgres+redis != "" {
		t.Fatalf("of %s, %s and %s only some are set: set all, or none and %s=1", EnvBrokers, EnvPostgres, EnvRedis, EnvReal)
	}
	s, err := shared.start(&shared.real, "real", devstack.Options{Real: true, Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	return share(t, s.Brokers, s.PostgresURL, s.RedisURL)
}

// NeedReal skips the test unless tests on real servers are asked for. Tests
// that start real servers of their own, to kill them, begin with it.
func NeedReal(t testing.TB) {
	t.Helper()
	if name, _, _ := strings.Cut(t.Name(), "/"); !strings.Contains(name, "Real") {
		t.Fatalf("the name of a test on real servers must hold \"Real\", or CI would not run it: rename %s", name)
	}
	if os.Getenv(EnvBrokers)+os.Getenv(EnvPostgres)+os.Getenv(EnvRedis) == "" && os.Getenv(EnvReal) != "1" {
		t.Skipf("needs real servers: run `%s`, or set %s=1", RealCommand, EnvReal)
	}
}

// start starts the shared servers at their first use.
func (s *servers) start(stack **devstack.Stack, name string, o devstack.Options) (*devstack.Stack, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		return nil, errors.New("this package needs `func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }`, so that the servers are stopped")
	}
	if *stack != nil || s.failed != nil {
		return *stack, s.failed
	}
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "badgestream-test-")
		if err != nil {
			return nil, errors.Wrap(err, "making a directory for the servers")
		}
		s.dir = dir
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	o.Dir = s.dir + "/" + name
	started, err := devstack.StartAll(ctx, o)
	if err != nil {
		s.failed = errors.Wrapf(err, "starting the %s servers for tests", name)
		return nil, s.failed
	}
	*stack = started
	return started, nil
}

func (s *servers) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	var err error
	for _, stack := range []*devstack.Stack{s.embedded, s.real} {
		if stack != nil {
			err = errors.CombineErrors(err, stack.Stop(ctx))
		}
	}
	if s.dir != "" {
		err = errors.CombineErrors(err, os.RemoveAll(s.dir))
	}
	return err
}
