package pipeline_test

import (
	"context"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
)

// TestRealAnotherRedis starts a process with another Redis than the one that
// runs has: it is refused. When the other one is stopped, it moves the group to
// its own.
func TestRealAnotherRedis(t *testing.T) {
	t.Parallel()
	stack, other := stacktest.Real(t), stacktest.Real(t)
	c := found(t, stack, grouptest.Catalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	stop := c.Engine(ctx, 1, 0)
	c.Produce(visits(3, "u1")...)
	c.Published(ctx, 3)
	c.Config.Redis = other.RedisURL
	_, err := pipeline.Run(ctx, c.Config, c.Catalog, c.Telemetry())
	if err == nil || !strings.Contains(err.Error(), "use another Redis than this one") {
		t.Errorf("beside a process with another Redis, the engine ended with: %v", err)
	}
	stop()
	c.Produce(visits(3, "u2")...)
	c.Drain()
	c.Verify()
}
