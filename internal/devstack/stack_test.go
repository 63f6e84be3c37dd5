package devstack_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/redis/go-redis/v9"
)

// holdVariable has the test binary act as a program that starts a stack in the
// directory named, prints its addresses, and waits to be killed.
const holdVariable = "DEVSTACK_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdVariable); dir != "" {
		os.Exit(hold(dir))
	}
	os.Exit(stacktest.Main(m))
}

func hold(dir string) int {
	stack, err := devstack.StartAll(context.Background(), devstack.Options{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if _, err := fmt.Fprintln(os.Stdout, stack.PostgresURL+"\n"+stack.RedisURL); err != nil {
		return 1
	}
	select {}
}

func TestStackTwiceOnOneDirectory(t *testing.T) {
	t.Parallel()
	ctx := limited(t)
	dir := t.TempDir()
	first := startAll(t, devstack.Options{Dir: dir})
	query(t, first.PostgresURL, "CREATE TABLE kept AS SELECT 7 AS x")
	createTopic(t, first.Brokers, "kept")
	commit(t, first.Brokers, "kept", "one")

	if second, err := devstack.StartAll(ctx, devstack.Options{Dir: dir}); err == nil {
		second.Stop(ctx)
		t.Fatal("two stacks work on one directory")
	} else if !strings.Contains(err.Error(), "another badgestream works on "+dir) {
		t.Errorf("the error does not say what is wrong: %v", err)
	}
	if err := first.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	second := startAll(t, devstack.Options{Dir: dir})
	if got := query(t, second.PostgresURL, "SELECT x::text FROM kept"); got != "7" {
		t.Errorf("Postgres has %q", got)
	}
	expect(t, second.Brokers, "kept", "one")
	for i, want := range []string{"kfake in this process", "Postgres 1", "edis"} {
		if got := second.Descriptions()[i]; !strings.Contains(got, want) {
			t.Errorf("description %d is %q, want %q in it", i, got, want)
		}
	}
}

// A program that is killed takes its servers with it, and the next one goes on
// with their data at once.
func TestStackDiesWithUs(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("only Linux ties a child to its parent's life")
	}
	ctx := limited(t)
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := exec.CommandContext(ctx, self)
	program.Env = append(os.Environ(), holdVariable+"="+dir)
	program.Stderr = os.Stderr
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var addresses []string
	for len(addresses) < 2 && lines.Scan() {
		addresses = append(addresses, lines.Text())
	}
	if len(addresses) < 2 {
		t.Fatalf("it printed %q only: %v", addresses, lines.Err())
	}
	query(t, addresses[0], "CREATE TABLE kept AS SELECT 7 AS x")
	options, err := redis.ParseURL(addresses[1])
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries = -1
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.Ping(ctx).Err(); err != nil {
		t.Fatal(err)
	}

	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	program.Wait() // it was killed, which is its error
	soon, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for client.Ping(soon).Err() == nil {
	}
	if soon.Err() != nil {
		t.Fatal("Redis lives on")
	}
	stack := startAll(t, devstack.Options{Dir: dir})
	if got := query(t, stack.PostgresURL, "SELECT x::text FROM kept"); got != "7" {
		t.Errorf("Postgres has %q", got)
	}
}

func startAll(t *testing.T, o devstack.Options) *devstack.Stack {
	t.Helper()
	stack, err := devstack.StartAll(limited(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := stack.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return stack
}
