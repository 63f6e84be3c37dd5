package crash

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"
)

// restartPause is how long the engine's supervisor waits before it starts the
// engine again.
const restartPause = 100 * time.Millisecond

// engine is the program as a process, and the supervisor that starts it again
// whenever it ends while it should run.
type engine struct {
	command func(batch int) *exec.Cmd

	mu      sync.Mutex
	wanted  bool
	now     *process // nil while there is none
	ended   []string // how processes ended that nobody killed or stopped for good
	log     tail
	spawned bool
	waiting sync.WaitGroup
}

type process struct {
	cmd    *exec.Cmd
	killed bool
	done   chan struct{}
}

// start starts the engine if it does not run.
func (e *engine) start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wanted = true
	if e.now != nil {
		return nil
	}
	return e.spawn()
}

// spawn needs the lock.
func (e *engine) spawn() error {
	// A successor that polls just what its predecessor folded would hide a
	// confusion of the two.
	size := batch
	if e.spawned {
		size += batch / 2
	}
	e.spawned = true
	p := &process{cmd: e.command(size), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &e.log, &e.log
	dieWithUs(p.cmd)
	started := make(chan error, 1)
	e.waiting.Go(func() {
		// The system ties a child's life to the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			err = p.cmd.Wait()
			close(p.done)
			e.exited(p, err)
		}
	})
	if err := <-started; err != nil {
		return errors.Wrap(err, "start the engine")
	}
	e.now = p
	return nil
}

func (e *engine) exited(p *process, err error) {
	e.mu.Lock()
	e.now = nil
	again := e.wanted
	if again && !p.killed {
		e.ended = append(e.ended, how(err, e.log.last()))
	}
	e.mu.Unlock()
	if !again {
		return
	}
	<-time.After(restartPause)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.wanted && e.now == nil {
		if err := e.spawn(); err != nil {
			e.ended = append(e.ended, err.Error())
		}
	}
}

func how(err error, said string) string {
	if err == nil {
		return "ended in order"
	}
	return fmt.Sprintf("ended with %v: %s", err, said)
}

// note adds to how processes ended.
func (e *engine) note(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = append(e.ended, what)
}

// kill ends the process as a power cut would. It stays down until start.
func (e *engine) kill() {
	e.mu.Lock()
	e.wanted = false
	p := e.now
	if p != nil {
		p.killed = true
		_ = p.cmd.Process.Kill() // it may have ended by itself
	}
	e.mu.Unlock()
	if p != nil {
		<-p.done
	}
}

// ask sends SIGTERM. The supervisor starts the engine again when it has ended.
func (e *engine) ask() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.now != nil {
		_ = e.now.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	}
}

// stop asks the engine to stop for good, and waits until it has.
func (e *engine) stop(ctx context.Context) error {
	e.mu.Lock()
	e.wanted = false
	p := e.now
	e.mu.Unlock()
	if p == nil {
		return nil
	}
	e.ask()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		e.kill()
		return errors.New("the engine was asked to stop and did not in time")
	}
}

// endings are how processes ended that nobody killed or stopped for good.
func (e *engine) endings() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.ended...)
}

// tail keeps the last part of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 32 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// last is the last line.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := bytes.TrimSpace(t.text)
	return strings.TrimSpace(string(text[bytes.LastIndexByte(text, '\n')+1:]))
}
