package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The waits are bounded: the first start may fetch Postgres.
const (
	startLimit = 4 * time.Minute
	sayLimit   = time.Minute
)

// transcript is what a command printed so far, to be waited on.
type transcript struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed by the next write
}

func newTranscript() *transcript { return &transcript{changed: make(chan struct{})} }

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
	return s.text.Write(p)
}

func (s *transcript) read() (string, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String(), s.changed
}

// running is a command in this process.
type running struct {
	out, errOut *transcript
	stop        context.CancelFunc
	status      chan int
}

func launch(t *testing.T, args ...string) *running {
	ctx, stop := context.WithCancel(t.Context())
	d := &running{out: newTranscript(), errOut: newTranscript(), stop: stop, status: make(chan int, 1)}
	go func() {
		defer close(d.status)
		d.status <- execute(ctx, args, nil, d.out, d.errOut)
	}()
	t.Cleanup(func() {
		stop()
		for range d.status { // until it has ended
		}
	})
	return d
}

// anyPorts has the servers listen wherever they can.
func anyPorts() []string {
	return []string{"--brokers", "127.0.0.1:0", "--postgres", "postgres://127.0.0.1:0/", "--redis", "redis://127.0.0.1:0"}
}

func startDev(t *testing.T, args ...string) *running {
	t.Helper()
	d := launch(t, append(append([]string{"dev"}, anyPorts()...), args...)...)
	d.awaitWithin(t, startLimit, "Try this in a second terminal")
	return d
}

// await waits for a line that fits, and gives its groups.
func (d *running) await(t *testing.T, pattern string) []string {
	t.Helper()
	return d.awaitWithin(t, sayLimit, pattern)
}

func (d *running) awaitWithin(t *testing.T, most time.Duration, pattern string) []string {
	t.Helper()
	wanted, limit := regexp.MustCompile(pattern), time.After(most)
	for {
		text, changed := d.out.read()
		if found := wanted.FindStringSubmatch(text); found != nil {
			return found
		}
		select {
		case <-changed:
		case status := <-d.status:
			log, _ := d.errOut.read()
			t.Fatalf("it ended with status %d before it said %q:\n%s\n%s", status, pattern, text, log)
		case <-limit:
			log, _ := d.errOut.read()
			t.Fatalf("it never said %q:\n%s\n%s", pattern, text, log)
		}
	}
}

// end asks dev to stop, and wants it to do so soon and well.
func (d *running) end(t *testing.T) {
	t.Helper()
	d.stop()
	select {
	case status := <-d.status:
		text, _ := d.out.read()
		if log, _ := d.errOut.read(); status != 0 || !strings.Contains(text, "Stopped after ") {
			t.Fatalf("dev ended with status %d:\n%s\n%s", status, text, log)
		}
	case <-time.After(stopLimit):
		t.Fatalf("dev did not stop within %v", stopLimit)
	}
}

func number(t *testing.T, digits string) int {
	t.Helper()
	n, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDevPlaysStopsAndGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()

	first := startDev(t, "--data-dir", dir, "--users", "60", "--rate", "400")
	first.await(t, `(?m)^[0-9:]+    \S+ earned [A-Z].* \(\w+, tier \d\)$`)
	before := first.await(t, `events [1-9][0-9,]* \([1-9]\d*/s\)  users ([1-9]\d*)  awarded [1-9]\d* .* lag p0:\d+ p1:\d+ p2:\d+ p3:\d+ \(`)
	first.end(t)
	if _, err := os.Stat(filepath.Join(dir, "traffic.json")); err != nil {
		t.Errorf("the traffic's history is not kept: %v", err)
	}

	second := startDev(t, "--data-dir", dir, "--no-traffic")
	// The users of the first run are there, and nobody plays. (What the first
	// run had sent and not folded is folded now.)
	after := second.await(t, `\(0/s\)  users ([1-9]\d*) `)
	if number(t, after[1]) < number(t, before[1]) {
		t.Errorf("%s users are left of %s", after[1], before[1])
	}
	setup := second.await(t, `export BADGESTREAM_BROKERS='(.*)' BADGESTREAM_POSTGRES='(.*)' BADGESTREAM_REDIS='(.*)'\n`)
	addresses := []string{"--brokers", setup[1], "--postgres", setup[2], "--redis", setup[3]}
	example := second.await(t, `echo '(\{.*\})' \| .* produce --file -\n`)

	// What is told to be tried works.
	cli(t.Context(), t, strings.NewReader(example[1]+"\n"), append(addresses, "produce", "--file", "-")...).expect(t, 0, "1 events delivered")
	badges := launch(t, append(addresses, "badges", "--follow", "--from-beginning", "--json")...)
	evidence := badges.await(t, `(?m)^.*"subject":"you".*$`)[0]
	badges.stop()
	if status := <-badges.status; status != 0 || !strings.Contains(evidence, `"id":"my-first"`) {
		t.Errorf("following the badges ended with status %d, and mine is %s", status, evidence)
	}
	if a := cli(t.Context(), t, nil, append(addresses, "progress", "you", "--json")...); a.status != 0 || !strings.Contains(a.out, `"user":"you"`) {
		t.Errorf("progress of you: status %d\n%s\n%s", a.status, a.out, a.errOut)
	}
	// A second dev says that it is the second.
	cli(t.Context(), t, nil, append(addresses, "dev", "--data-dir", t.TempDir())...).
		expect(t, 1, "another `badgestream dev` already runs on ports ")
	cli(t.Context(), t, nil, append(anyPorts(), "dev", "--data-dir", dir)...).
		expect(t, 1, "another badgestream works on "+dir)
	second.end(t)
}
