package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/telemetry"
)

// childConfig is set where this test binary is run as an engine, to be killed.
const childConfig = "BADGESTREAM_PIPELINE_TEST_CHILD"

type child struct {
	Catalog string // its text
	Config  pipeline.Config
}

// runChild is the engine of a process of its own.
func runChild() int {
	var conf child
	if err := json.Unmarshal([]byte(os.Getenv(childConfig)), &conf); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	cat, err := catalog.Parse("child", []byte(conf.Catalog))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	tel := telemetry.Discard()
	tel.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	if _, err := pipeline.Run(ctx, conf.Config, cat, tel); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// process starts an engine as a process.
func (c *community) process(workers, batch int) *exec.Cmd {
	c.T.Helper()
	conf := child{Catalog: string(c.Catalog.Text), Config: c.Config}
	conf.Config.Workers, conf.Config.Batch = workers, batch
	text, err := json.Marshal(conf)
	if err != nil {
		c.T.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childConfig+"="+string(text))
	cmd.Stderr = c.T.Output()
	if err := cmd.Start(); err != nil {
		c.T.Fatal(err)
	}
	c.T.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd
}

// kill ends a process as a power cut would.
func (c *community) kill(cmd *exec.Cmd) {
	c.T.Helper()
	if err := cmd.Process.Kill(); err != nil {
		c.T.Fatal(err)
	}
	_ = cmd.Wait()
}

// terminate asks a process to end, and says how long that took and how it
// ended.
func (c *community) terminate(ctx context.Context, cmd *exec.Cmd) (time.Duration, error) {
	c.T.Helper()
	began := time.Now()
	c.do("send SIGTERM", cmd.Process.Signal(syscall.SIGTERM))
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	err := cmd.Wait()
	return time.Since(began), err
}

func TestRealKilled(t *testing.T) { t.Parallel(); testKilled(t, stacktest.Real(t)) }
func TestKilled(t *testing.T)     { t.Parallel(); testKilled(t, stacktest.Embedded(t)) }

// testKilled kills one of two processes again and again, at moments that
// fall into any part of a batch, and wants nothing to be missing or double.
func testKilled(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	const rounds, each = 8, 1_500
	records := grouptest.Crowd(t, 11, 150, rounds*each)
	procs := []*exec.Cmd{c.process(2, 41), c.process(2, 67)}
	for round := range rounds {
		c.Produce(records[round*each : (round+1)*each]...)
		c.Published(ctx, int64(round*each+each/3))
		victim := round % 2
		c.kill(procs[victim])
		procs[victim] = c.process(2, 41+round)
	}
	c.Drain()
	for _, p := range procs {
		c.kill(p)
	}
	c.Verify()
}

// TestRealSwiftReturn kills the only process and wants its successor to fold
// again within 3 s of its start: the promise for a restart.
func TestRealSwiftReturn(t *testing.T) {
	c := found(t, stacktest.Real(t), grouptest.Catalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	records := grouptest.Crowd(t, 3, 50, 2_000)
	first := c.process(2, 100)
	c.Produce(records[:1_000]...)
	c.Published(ctx, 500)
	c.kill(first)
	c.Produce(records[1_000:]...)
	began := time.Now()
	second := c.process(2, 100)
	c.Published(ctx, 1_001)
	t.Logf("the successor published after %v", time.Since(began))
	c.kill(second)
	c.Drain()
	c.Verify()
}
