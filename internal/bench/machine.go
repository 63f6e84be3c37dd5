package bench

import (
	"runtime"

	"github.com/badgestream/badgestream/internal/bench/procfs"
)

// thisMachine describes what the benchmark runs on.
func thisMachine() Machine {
	m := Machine{
		OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(), Processor: procfs.Processor(), Go: runtime.Version(),
	}
	if bytes, known := procfs.MachineMemory(); known {
		m.Memory = &bytes
	}
	return m
}
