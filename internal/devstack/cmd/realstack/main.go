//go:build unix

// Command realstack starts a real Kafka, Postgres and Redis on free ports of
// this machine, runs a command beside them, stops them, and exits with the
// command's status:
//
//	go run ./internal/devstack/cmd/realstack -- go test -count=1 -run Real ./...
//
// The command finds their addresses in BADGESTREAM_TEST_BROKERS, _POSTGRES and
// _REDIS, for tests, and in BADGESTREAM_BROKERS, _POSTGRES and _REDIS, which
// are badgestream's own settings. It needs Java, Maven (the first time) and
// redis-server.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/cockroachdb/errors"
)

const stopLimit = 30 * time.Second

// options are what the flags say.
type options struct {
	dir      string
	timeout  time.Duration
	heap     string
	settings map[string]string
	command  []string
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	o, err := parse(os.Args[1:])
	status := 2
	if err == nil {
		status, err = run(ctx, o)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "realstack:", err)
	}
	os.Exit(status)
}

func parse(args []string) (options, error) {
	o := options{settings: map[string]string{}}
	flags := flag.NewFlagSet("realstack", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "keep the servers' data in this directory (default: one that is removed afterwards)")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Minute, "end the command after this time")
	flags.StringVar(&o.heap, "kafka-heap", "", "the most memory of Kafka's heap, such as 1g")
	flags.Func("postgres-setting", "NAME=VALUE, as in postgresql.conf; may be repeated", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return errors.Newf("%q is not NAME=VALUE", s)
		}
		o.settings[name] = value
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if o.command = flags.Args(); len(o.command) == 0 {
		return options{}, errors.New("no command to run: realstack [flags] -- COMMAND [ARGUMENT]…")
	}
	return o, nil
}

// run answers with the command's exit status.
func run(ctx context.Context, o options) (status int, err error) {
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "badgestream-realstack-"); err != nil {
			return 1, errors.Wrap(err, "making a directory for the servers")
		}
		defer func() { err = errors.CombineErrors(err, os.RemoveAll(o.dir)) }()
	}
	stack, err := devstack.StartAll(ctx, devstack.Options{
		Dir: o.dir, Real: true, KafkaHeap: o.heap, PostgresSettings: o.settings,
	})
	if err != nil {
		return 1, err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
		defer cancel()
		err = errors.CombineErrors(err, stack.Stop(stop))
		if err != nil {
			status = max(status, 1)
		}
	}()
	fmt.Fprintln(os.Stderr, "realstack:", strings.Join(stack.Descriptions(), "; "))
	return runCommand(ctx, o, stack)
}

// runCommand runs the command in a process group of its own. When ctx or the
// time ends all of the group is interrupted, and killed if that does not help:
// what a `go test` started must not outlive its servers.
func runCommand(ctx context.Context, o options, stack *devstack.Stack) (int, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, errors.Newf("%s did not end within %s and was ended", o.command[0], o.timeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, o.command[0], o.command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	brokers := strings.Join(stack.Brokers, ",")
	cmd.Env = append(os.Environ(),
		"BADGESTREAM_TEST_BROKERS="+brokers,
		"BADGESTREAM_TEST_POSTGRES="+stack.PostgresURL,
		"BADGESTREAM_TEST_REDIS="+stack.RedisURL,
		"BADGESTREAM_BROKERS="+brokers,
		"BADGESTREAM_POSTGRES="+stack.PostgresURL,
		"BADGESTREAM_REDIS="+stack.RedisURL)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		// No such group is as good: nothing of it is left.
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return 1, errors.Wrap(err, "ending what the command left")
		}
		return 1, context.Cause(ctx)
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode(), nil
	}
	return 1, errors.Wrapf(err, "running %s", strings.Join(o.command, " "))
}
