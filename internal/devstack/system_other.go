//go:build !unix

package devstack

import (
	"os"
	"os/exec"
	"syscall"

	"github.com/cockroachdb/errors"
)

// Without Unix's users, signals and file locks, the servers run as they can:
// as ourselves, and without pause.

func isRoot() bool { return false }

func isolate(*exec.Cmd, syscall.Signal) {}

func runAs(*exec.Cmd, account) {}

func pauseProcess(*os.Process) error {
	return errors.New("a process cannot be paused on this system")
}

func resumeProcess(*os.Process) error { return nil }

func alive(pid int) bool {
	_, err := os.FindProcess(pid)
	return err == nil
}

func runsIn(int, string) bool { return true }

func owner(os.FileInfo) (account, bool) { return account{}, false }

func lockFile(*os.File, bool) error { return nil }

// childrenOf cannot tell.
func childrenOf(int) ([]int, error) {
	return nil, errors.New("the children of a process can be listed on Linux alone")
}
