package devstack

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"
)

// process is one child process. It runs in a process group of its own, so
// that a Ctrl-C in the terminal reaches us alone and we stop it in order.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string        // the file that holds what it prints
	done chan struct{} // closed when it has ended
	err  error         // how it ended; readable once done is closed

	paused []int // the children that pauseTree stopped
}

// startProcess starts cmd, with its output added to the file logPath. If we
// die, the system sends it onDeath.
func startProcess(name string, cmd *exec.Cmd, logPath string, onDeath syscall.Signal) (*process, error) {
	out, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, errors.Wrapf(err, "opening the log of %s", name)
	}
	defer out.Close() //nolint:errcheck // the child has its own copy; nothing of ours is unwritten
	cmd.Stdout, cmd.Stderr = out, out
	isolate(cmd, onDeath)

	p := &process{name: name, cmd: cmd, log: logPath, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The system ties a child to the thread that started it, so this thread
		// stays until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, errors.Wrapf(err, "starting %s (%s)", name, cmd.Path)
	}
	return p, nil
}

// await asks until the server answers without an error, the process ends, or
// ctx does.
func (p *process) await(ctx context.Context, ask func(context.Context) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		once, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := ask(once)
		cancel()
		if err == nil && !p.ended() {
			return nil
		}
		select {
		case <-p.done:
			return errors.Newf("%s ended before it answered (%v); its log %s ends with:\n%s", p.name, p.err, p.log, p.tail())
		case <-ctx.Done():
			return errors.Wrapf(err, "%s (process %d) did not answer in time; its log is %s", p.name, p.cmd.Process.Pid, p.log)
		case <-tick.C:
		}
	}
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop asks the process to end by sig and waits. When ctx ends it is killed,
// and that is an error: what it had in hand may be lost.
func (p *process) stop(ctx context.Context, sig syscall.Signal) error {
	if p.ended() {
		return nil
	}
	// Paused processes would not see the signal.
	if err := p.resumeChildren(); err != nil {
		return err
	}
	if err := resumeProcess(p.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Wrapf(err, "resuming %s to stop it", p.name)
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Wrapf(err, "stopping %s", p.name)
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return errors.CombineErrors(
			errors.Wrapf(ctx.Err(), "%s did not stop in time and was killed", p.name), p.kill())
	}
}

// kill ends the process at once and waits until it is gone.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Wrapf(err, "killing %s", p.name)
	}
	<-p.done
	// Its children end when they notice, which they cannot while paused.
	return p.resumeChildren()
}

// pause stops the process where it stands, as a machine that hangs would.
func (p *process) pause() error {
	return errors.Wrapf(pauseProcess(p.cmd.Process), "pausing %s", p.name)
}

func (p *process) resume() error {
	return errors.Wrapf(resumeProcess(p.cmd.Process), "resuming %s", p.name)
}

// pauseTree pauses the process and its children. They are looked for after
// their parent was paused: from then on there are no new ones.
func (p *process) pauseTree() error {
	if err := p.pause(); err != nil {
		return err
	}
	pids, err := childrenOf(p.cmd.Process.Pid)
	if err != nil {
		return errors.Wrapf(err, "looking for the children of %s", p.name)
	}
	p.paused = pids
	return p.eachPaused(pauseProcess)
}

// resumeTree lets the children go on before their parent, who would mind them.
func (p *process) resumeTree() error {
	err := p.resumeChildren()
	return errors.CombineErrors(err, p.resume())
}

func (p *process) resumeChildren() error {
	err := p.eachPaused(resumeProcess)
	p.paused = nil
	return err
}

func (p *process) eachPaused(do func(*os.Process) error) error {
	for _, pid := range p.paused {
		child, err := os.FindProcess(pid)
		if err == nil {
			err = do(child)
		}
		if err != nil && !errors.Is(err, os.ErrProcessDone) {
			return errors.Wrapf(err, "signalling process %d of %s", pid, p.name)
		}
	}
	return nil
}

// tail is the end of what the process printed, for an error message.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}

// makeDir makes a server's directory and answers with its absolute path.
func makeDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", errors.Wrapf(err, "resolving the data directory %q", dir)
	}
	return abs, errors.Wrap(os.MkdirAll(abs, 0o755), "making the data directory")
}
