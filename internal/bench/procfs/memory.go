package procfs

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// PeakMemory is the most memory in bytes that a living process has had
// resident so far. (What the system tells once a process has ended is never
// less than its parent's, whose image it was born with.)
func PeakMemory(pid int) (bytes int64, ok bool) {
	return kilobytes(filepath.Join("/proc", strconv.Itoa(pid), "status"), "VmHWM")
}

// MachineMemory is how many bytes of memory the machine has.
func MachineMemory() (bytes int64, ok bool) { return kilobytes("/proc/meminfo", "MemTotal") }

// Processor is the name of the machine's CPU, empty where it is not known.
func Processor() string {
	name, _ := entry("/proc/cpuinfo", "model name")
	return name
}

// kilobytes reads a line such as "VmHWM:   1234 kB".
func kilobytes(file, name string) (int64, bool) {
	value, ok := entry(file, name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(value, " kB"), 10, 64)
	return n << 10, err == nil
}

// entry reads a file's first line of the form "NAME: VALUE".
func entry(file, name string) (string, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", false
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}
