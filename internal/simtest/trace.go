package simtest

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// trace is what happened, in the time of the simulation.
type trace struct {
	mu    sync.Mutex
	began time.Time
	lines []string
}

func (t *trace) note(who, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, fmt.Sprintf("%9.3fs %-5s %s", time.Since(t.began).Seconds(), who, what))
}

func (t *trace) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

func (t *trace) writer(who string) io.Writer { return logger{t, who} }

type logger struct {
	trace *trace
	who   string
}

func (l logger) Write(b []byte) (int, error) {
	l.trace.note(l.who, string(bytes.TrimSpace(b)))
	return len(b), nil
}
