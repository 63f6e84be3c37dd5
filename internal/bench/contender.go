package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/bench/procfs"
	"github.com/badgestream/badgestream/internal/settings"
)

// The names of the drain's contenders.
const (
	Engine = "engine"
	Plain  = "plain"
)

// The plain consumer applies so many events of different users at the same
// time, and takes so many records at once.
const (
	plainLanes = 8
	plainPoll  = 500
)

// contender is a program that folds a topic and says what it did: a JSON
// object, Report, as the last line of its standard output. It is a process of
// its own, so that the system keeps its accounts.
type contender struct {
	// name is its own among all contenders of the benchmark.
	name string
	// setUp are arguments of a command that is run before and not measured; nil
	// for none.
	setUp []string
	// prepare is called after setUp and not measured; nil for nothing.
	prepare func(context.Context) error
	// args are those of the measured command.
	args []string
	// events is how many there are for it.
	events int64
}

// engine is `badgestream run --drain`, as people run it, over a topic that
// holds the workload.
func (b *bench) engine(name, topic string, round int) contender {
	settings := b.settings(b.group(name, round), topic)
	c := contender{
		name:   name,
		setUp:  append([]string{"init"}, settings...),
		args:   append([]string{"run", "--drain", "--json"}, settings...),
		events: b.Workload.Events,
	}
	if b.ProfileDir != "" {
		c.args = append(c.args, "--cpu-profile", filepath.Join(b.ProfileDir, name+"-"+strconv.Itoa(round)+".pprof"))
	}
	return c
}

// plain is the plain consumer, over a topic with its part of the same events.
func (b *bench) plain(name, topic string, round int) contender {
	return contender{
		name: name,
		args: append([]string{
			"bench", "plain", "--events", strconv.FormatInt(b.Workload.PlainEvents, 10),
			"--lanes", strconv.Itoa(plainLanes), "--poll", strconv.Itoa(plainPoll),
		}, b.settings(b.group(name, round), topic)...),
		events: b.Workload.PlainEvents,
	}
}

// settings are the global flags that a contender gets. All that it writes is
// named after its group.
func (b *bench) settings(group, topic string) []string {
	return []string{
		"--group", group, "--activity-topic", topic, "--award-topic", group + ".badges", "--dead-letter-topic", group + ".dead-letter",
		"--partitions", strconv.Itoa(b.Workload.Partitions), "--workers", strconv.Itoa(b.Workers), "--batch", strconv.Itoa(b.Batch),
		"--catalog", b.Workload.Catalog, "--log-level", "warn",
	}
}

// environment is ours without the settings in it, which were read already, and
// with the servers: their URLs may hold passwords, and arguments can be read
// by everybody on the machine.
func (b *bench) environment() []string {
	ours := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "BADGESTREAM_") })
	return append(ours,
		settings.Variable("brokers")+"="+strings.Join(b.Servers.Brokers, ","),
		settings.Variable("postgres")+"="+b.Servers.Postgres,
		settings.Variable("redis")+"="+b.Servers.Redis)
}

// ended is a process that has ended well.
type ended struct {
	out []byte // its standard output
	cpu time.Duration
	// peakMemory is nil where it cannot be known.
	peakMemory *int64
}

// execute runs a command of ours to its end.
func (b *bench) execute(ctx context.Context, args []string) (ended, error) {
	cmd := exec.CommandContext(ctx, b.Program, args...)
	cmd.Env = b.environment()
	var stdout bytes.Buffer
	var stderr tail
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		return ended{}, errors.Wrapf(err, "start %s %s", b.Program, args[0])
	}
	stop, peak := make(chan struct{}), make(chan *int64)
	go func() { peak <- watchMemory(cmd.Process.Pid, stop) }()
	err := cmd.Wait()
	close(stop)
	e := ended{out: stdout.Bytes(), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peakMemory: <-peak}
	if ctx.Err() != nil {
		return ended{}, context.Cause(ctx)
	}
	if err != nil {
		return ended{}, errors.Wrapf(err, "`badgestream %s` failed: %s", args[0], stderr.text())
	}
	if warnings := stderr.text(); warnings != "" {
		b.say("`badgestream %s` says:\n%s", args[0], warnings)
	}
	return e, nil
}

// report finds a contender's report in what it printed.
func (e *ended) report() (r Report, err error) {
	lines := bytes.Split(bytes.TrimSpace(e.out), []byte("\n"))
	last := lines[len(lines)-1]
	err = json.Unmarshal(last, &r)
	return r, errors.Wrapf(err, "read the report %q", last)
}

// watchMemory follows a process's peak of resident memory until it has ended.
// It is a high-water mark, so looking now and then misses only the end's.
func watchMemory(pid int, ended <-chan struct{}) *int64 {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	var peak *int64
	for {
		if bytes, ok := procfs.PeakMemory(pid); ok {
			peak = &bytes
		}
		select {
		case <-look.C:
		case <-ended:
			return peak
		}
	}
}

// tail keeps the end of what a process says on standard error.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 10
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-most):]
	return len(p), nil
}

func (t *tail) text() string { return strings.TrimSpace(string(t.kept)) }
