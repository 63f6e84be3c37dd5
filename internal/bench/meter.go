package bench

import (
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/badgestream/badgestream/internal/bench/procfs"
)

// meter measures what a stretch of time costs the servers and the machine.
type meter struct {
	// names are the servers' roles by process; several roles in one process are
	// joined by a plus sign.
	names map[int]string
	// complete is set if every server's process is known.
	complete bool

	began time.Time
	times map[int]time.Duration
	busy  time.Duration
}

// startMeter begins a measurement of these servers.
func startMeter(servers []Server) *meter {
	roles := map[int][]string{}
	m := &meter{names: map[int]string{}, complete: true}
	for _, s := range servers {
		if s.PID == 0 {
			m.complete = false
			continue
		}
		roles[s.PID] = append(roles[s.PID], s.Role)
	}
	for pid, r := range roles {
		m.names[pid] = strings.Join(r, "+")
	}
	m.busy, _ = procfs.Busy()
	m.times = m.read()
	m.began = time.Now()
	return m
}

// read gives the CPU times of the servers and of this process, whose children
// that are no servers count as it.
func (m *meter) read() map[int]time.Duration {
	return procfs.Times(append(slices.Collect(maps.Keys(m.names)), os.Getpid())...)
}

// reading is what a meter shows.
type reading struct {
	// cpu is the servers' CPU time by name.
	cpu map[string]time.Duration
	// otherCores is how many cores were busy with neither servers nor us.
	otherCores *float64
}

// stop ends the measurement.
func (m *meter) stop() reading {
	took := time.Since(m.began)
	r := reading{cpu: map[string]time.Duration{}}
	known := time.Duration(0)
	for pid, now := range m.read() {
		before, there := m.times[pid]
		if !there {
			continue
		}
		known += now - before
		if name, isServer := m.names[pid]; isServer {
			r.cpu[name] = now - before
		}
	}
	if busy, ok := procfs.Busy(); ok && m.complete && took > 0 {
		others := max(0, (busy-m.busy-known).Seconds()/took.Seconds())
		r.otherCores = &others
	}
	return r
}
