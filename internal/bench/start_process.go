package bench

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"
)

// stopPatience is how long a process may take to finish its batch when it is
// asked to stop.
const stopPatience = 60 * time.Second

// process is a command of ours that does not end by itself.
type process struct {
	name   string
	cmd    *exec.Cmd
	stderr tail
	ended  chan struct{} // closed when it has ended
	err    error         // how; to be read when it has ended
}

// start starts a command. The context that comes with it ends with the
// process, and its cause says why: nobody should wait for what a dead process
// will never do.
func (b *bench) start(ctx context.Context, args []string) (*process, context.Context, error) {
	living, end := context.WithCancelCause(ctx)
	p := &process{name: args[0], cmd: exec.CommandContext(ctx, b.Program, args...), ended: make(chan struct{})}
	p.cmd.Env = b.environment()
	p.cmd.Stderr = &p.stderr
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = patience
	if err := p.cmd.Start(); err != nil {
		end(nil)
		return nil, nil, errors.Wrapf(err, "start %s %s", b.Program, p.name)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
		end(errors.Newf("`badgestream %s` has ended (%v): %s", p.name, p.cmd.ProcessState, p.stderr.text()))
	}()
	return p, living, nil
}

// stop asks the process to stop and waits until it has. It is an error if it
// had ended before, or if it ends badly.
func (p *process) stop() error {
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Wrapf(err, "stop `badgestream %s`", p.name)
	}
	limit := time.NewTimer(stopPatience)
	defer limit.Stop()
	select {
	case <-p.ended:
	case <-limit.C:
		p.kill()
		return errors.Newf("`badgestream %s` did not stop within %s, and was killed: %s", p.name, stopPatience, p.stderr.text())
	}
	return errors.Wrapf(p.err, "`badgestream %s` failed: %s", p.name, p.stderr.text())
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	// A process that has ended cannot be killed, and need not be.
	_ = p.cmd.Process.Kill()
	<-p.ended
}
