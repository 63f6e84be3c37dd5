//go:build unix

package devstack

import (
	"os"
	"os/exec"
	"syscall"

	"github.com/cockroachdb/errors"
)

func isRoot() bool { return os.Geteuid() == 0 }

// isolate puts the child into a process group of its own.
func isolate(cmd *exec.Cmd, onDeath syscall.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	dieWithUs(cmd.SysProcAttr, onDeath)
}

// runAs makes the child run as another user.
func runAs(cmd *exec.Cmd, a account) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.uid, Gid: a.gid}}
}

func pauseProcess(p *os.Process) error  { return p.Signal(syscall.SIGSTOP) }
func resumeProcess(p *os.Process) error { return p.Signal(syscall.SIGCONT) }

// alive says whether a process of that number exists, whoever owns it.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// owner is the user and group that a file belongs to.
func owner(info os.FileInfo) (account, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return account{}, false
	}
	return account{uid: st.Uid, gid: st.Gid}, true
}

// lockFile takes the lock on a file, or fails with errLocked if another
// process has it. The system gives it back when f is closed or we die.
func lockFile(f *os.File, wait bool) error {
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	for {
		err := syscall.Flock(int(f.Fd()), how)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errLocked
		}
		return errors.Wrapf(err, "locking %s", f.Name())
	}
}
