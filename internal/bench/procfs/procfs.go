// Package procfs reads from Linux's /proc what processes cost: CPU time and
// memory (proc(5)). Elsewhere, and of other users' processes, there is nothing
// to read; then it answers that it does not know.
package procfs

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc: USER_HZ is 100 wherever Linux runs.
const tick = time.Second / 100

// process is what /proc/PID/stat says of one process.
type process struct {
	parent int
	// own is its CPU time, reaped that of the children whose end it has seen.
	own, reaped time.Duration
}

// read gives a process, and whether there is one.
func read(pid int) (process, bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return process{}, false
	}
	return parse(text)
}

// parse reads a line of /proc/PID/stat. Its second field is the program's name
// in parentheses, which may hold anything; what follows is numbers.
func parse(stat []byte) (process, bool) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return process{}, false
	}
	// The manual counts fields from 1; the first after the name is the third.
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 15 {
		return process{}, false
	}
	at := func(field int) int {
		n, _ := strconv.Atoi(fields[field-3]) // the kernel writes numbers
		return n
	}
	return process{
		parent: at(4),
		own:    time.Duration(at(14)+at(15)) * tick,
		reaped: time.Duration(at(16)+at(17)) * tick,
	}, true
}

// everything is all processes there are now, by number.
func everything() map[int]process {
	all := map[int]process{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return all
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, ok := read(pid); ok {
			all[pid] = p
		}
	}
	return all
}

// settled is all processes as they were at one moment, near enough, of those
// that descend from the roots: while one ends, its time is for a moment in two
// places or in none. What else the machine does is nothing to that.
func settled(roots []int) map[int]process {
	const attempts = 100
	all := everything()
	for range attempts {
		again := everything()
		if sameFamily(all, again, roots) {
			return again
		}
		all = again
	}
	return all
}

// sameFamily says whether no descendant of the roots came, went or was reaped in
// between.
func sameFamily(a, b map[int]process, roots []int) bool {
	return maps.EqualFunc(family(a, roots), family(b, roots), func(p, q process) bool {
		return p.parent == q.parent && p.reaped == q.reaped
	})
}

// family is the roots and what descends from them.
func family(all map[int]process, roots []int) map[int]process {
	members := map[int]process{}
	for pid, p := range all {
		if _, ok := rootOf(all, roots, pid); ok {
			members[pid] = p
		}
	}
	return members
}

// rootOf is the nearest root that a process descends from, which may be itself.
func rootOf(all map[int]process, roots []int, pid int) (int, bool) {
	for {
		p, there := all[pid]
		if !there || slices.Contains(roots, pid) {
			return pid, there
		}
		pid = p.parent
	}
}

// Times gives the CPU time that each process and its descendants have used,
// those that have ended among them. What descends from another of the
// processes is counted there alone. Processes that are not there have no entry.
func Times(pids ...int) map[int]time.Duration { return sum(settled(pids), pids) }

func sum(all map[int]process, roots []int) map[int]time.Duration {
	times := map[int]time.Duration{}
	for _, root := range roots {
		if _, there := all[root]; there {
			times[root] = 0
		}
	}
	for pid, p := range all {
		if root, ok := rootOf(all, roots, pid); ok {
			times[root] += p.own + p.reaped
		}
	}
	return times
}

// Busy is the CPU time that the whole machine has spent on anything but
// waiting, since it started.
func Busy() (time.Duration, bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	// cpu user nice system idle iowait irq softirq
	if len(fields) < 8 {
		return 0, false
	}
	busy := time.Duration(0)
	for _, i := range []int{1, 2, 3, 6, 7} {
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return 0, false
		}
		busy += time.Duration(n) * tick
	}
	return busy, true
}
