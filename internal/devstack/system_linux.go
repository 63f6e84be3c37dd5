package devstack

import (
	"os"
	"strconv"
	"syscall"
)

// dieWithUs has the system send sig to the child when we die, however we die.
func dieWithUs(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }

// runsIn says whether the process pid has dir as its working directory.
func runsIn(pid int, dir string) bool {
	cwd, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd")
	return err == nil && cwd == dir
}
