package crash

import (
	"os/exec"
	"syscall"
)

// dieWithUs has the system kill the child when we die, however we die.
func dieWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
