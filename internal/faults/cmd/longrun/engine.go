package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/badgestream/badgestream/internal/faults/wire"
	"github.com/cockroachdb/errors"
)

// engine is one process of the program, or none, and the proxies through which
// it reaches its servers. Only the schedule's goroutine uses it, but for the
// end of a stall.
type engine struct {
	binary, log            string
	kafka, postgres, redis *wire.Proxy
	args                   []string
	starts                 int

	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended; readable once ended is closed
	asked bool  // somebody asked for its end
	last  *lastLine

	mu     sync.Mutex // guards wakeUp
	wakeUp *time.Timer
}

// leaves is how long a process may take from SIGTERM to its end, when all of
// its servers hang.
const leaves = 60 * time.Second

func newEngine(ctx context.Context, binary, log string, stack *devstack.Stack) (e *engine, err error) {
	e = &engine{binary: binary, log: log}
	postgres, err := wire.Host(stack.PostgresURL)
	if err != nil {
		return nil, err
	}
	redis, err := wire.Host(stack.RedisURL)
	if err != nil {
		return nil, err
	}
	if e.kafka, err = wire.Listen(ctx, wire.Kafka, stack.Brokers[0]); err != nil {
		return nil, err
	}
	if e.postgres, err = wire.Listen(ctx, wire.Postgres, postgres); err != nil {
		return nil, err
	}
	if e.redis, err = wire.Listen(ctx, wire.Redis, redis); err != nil {
		return nil, err
	}
	postgres, err = wire.Through(stack.PostgresURL, e.postgres.Address())
	if err != nil {
		return nil, err
	}
	redis, err = wire.Through(stack.RedisURL, e.redis.Address())
	e.args = []string{"--brokers", e.kafka.Address(), "--postgres", postgres, "--redis", redis, "--group", group, "--partitions", partitions, "--workers", "2", "--tick", "5s"}
	return e, err
}

func (e *engine) close() {
	if e.running() {
		_ = e.kill() // it is over
	}
	e.kafka.Close()
	e.postgres.Close()
	e.redis.Close()
}

// init makes topics and tables.
func (e *engine) init(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, e.binary, append([]string{"init"}, e.args...)...).CombinedOutput()
	return errors.Wrapf(err, "badgestream init: %s", out)
}

func (e *engine) running() bool {
	if e.cmd == nil {
		return false
	}
	select {
	case <-e.ended:
		return false
	default:
		return true
	}
}

// start starts a process if there is none, as a supervisor would.
func (e *engine) start() error {
	if e.running() {
		return e.wake()
	}
	if err := e.wasRight(); err != nil {
		return err
	}
	out, err := os.OpenFile(e.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return errors.Wrap(err, "open an engine's log")
	}
	cmd, ended := exec.Command(e.binary, append([]string{"run"}, e.args...)...), make(chan struct{}) //nolint:noctx // it ends when the schedule says so
	e.last, e.asked = &lastLine{}, false
	cmd.Stdout, cmd.Stderr = out, io.MultiWriter(out, e.last)
	if err := cmd.Start(); err != nil {
		return errors.CombineErrors(errors.Wrap(err, "start an engine"), out.Close())
	}
	e.cmd, e.ended = cmd, ended
	e.starts++
	go func() {
		e.err = cmd.Wait()
		_ = out.Close() // what it held is for people alone
		close(ended)
	}()
	return nil
}

// away is how a process that starts says that a server is away. Only that may
// end it by itself: nothing that is done to it here is a reason to halt.
var away = []string{"does not answer", "cannot be reached", "refuses the connection", "connection reset", "i/o timeout", "EOF", "closed", "starting up", "shutting down", "deadline exceeded"} //nolint:gochecknoglobals // a table

// wasRight wants a process that ended by itself to have met a server that was
// away.
func (e *engine) wasRight() error {
	if e.cmd == nil || e.asked || e.err == nil {
		return nil
	}
	text := e.last.String()
	for _, reason := range away {
		if strings.Contains(text, reason) {
			return nil
		}
	}
	return errors.Newf("an engine ended by itself (%v) and said: %s", e.err, text)
}

// lastLine remembers the last that was written to it.
type lastLine struct {
	mu   sync.Mutex
	text []byte
}

func (l *lastLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text[:0], p...)
	return len(p), nil
}

func (l *lastLine) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

func (e *engine) signal(s syscall.Signal) error {
	err := e.cmd.Process.Signal(s)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return errors.Wrapf(err, "send %v to an engine", s)
}

// terminate asks the process to leave, and wants it to end in order and in
// time.
func (e *engine) terminate(ctx context.Context) error {
	if !e.running() {
		return nil
	}
	e.asked = true
	if err := errors.CombineErrors(e.wake(), e.signal(syscall.SIGTERM)); err != nil {
		return err
	}
	select {
	case <-e.ended:
		return errors.Wrapf(e.err, "an engine that was asked to leave; its log is %s", e.log)
	case <-time.After(leaves):
		return errors.Newf("an engine did not end within %v of SIGTERM; its log is %s", leaves, e.log)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *engine) kill() error {
	if !e.running() {
		return nil
	}
	e.asked = true
	if err := e.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-e.ended
	return nil
}

// stall stops the process where it stands, for a while.
func (e *engine) stall(d time.Duration) error {
	if !e.running() {
		return nil
	}
	if err := e.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	cmd := e.cmd
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wakeUp = time.AfterFunc(d, func() { _ = cmd.Process.Signal(syscall.SIGCONT) }) // it may have been killed
	return nil
}

// wake ends a stall.
func (e *engine) wake() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.wakeUp == nil || !e.wakeUp.Stop() {
		return nil
	}
	e.wakeUp = nil
	return e.signal(syscall.SIGCONT)
}
