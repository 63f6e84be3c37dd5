package pipeline_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/pipeline"
)

// TestRealAnotherRedis starts a process with another Redis than the one that
// runs has: it is refused. When the other one is stopped, it moves the group to
// its own.
func TestRealAnotherRedis(t *testing.T) {
	t.Parallel()
	stack, other := stacktest.Real(t), stacktest.Real(t)
	c := found(t, stack, loadCatalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stop := c.engine(ctx, 1, 0)
	c.produce(visits(3, "u1")...)
	c.published(ctx, 3)
	c.cfg.Redis = other.RedisURL
	_, err := pipeline.Run(ctx, c.cfg, c.cat, c.telemetry())
	if err == nil || !strings.Contains(err.Error(), "use another Redis than this one") {
		t.Errorf("beside a process with another Redis, the engine ended with: %v", err)
	}
	stop()
	c.produce(visits(3, "u2")...)
	c.drain()
	c.verify()
}
