package pipeline_test

import (
	"context"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/erasure"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/projections"
)

func TestRealErased(t *testing.T) { t.Parallel(); testErased(t, stacktest.Real(t)) }
func TestErased(t *testing.T)     { t.Parallel(); testErased(t, stacktest.Embedded(t)) }

// testErased erases users while processes fold, which are killed, and whose users
// come back and go on. Nothing of the erased may be left, also by a rebuild, which
// must come out the same to the byte.
func testErased(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	const rounds, each = 4, 1_000
	records := grouptest.Crowd(t, 71, 80, rounds*each)
	procs := []*exec.Cmd{c.process(2, 41), c.process(2, 67)}
	store := c.store(ctx)
	var erased []string
	for round := range rounds {
		c.Produce(records[round*each : (round+1)*each]...)
		c.Published(ctx, int64(round*each+each/3))
		users := c.holders(4 * (round + 1))[4*round:]
		_, _, err := erasure.Erase(ctx, store, c.Config.Brokers, users, "a moderator", "they asked for it", 0)
		c.do("erase", err)
		erased = append(erased, users...)
		victim := round % 2
		c.kill(procs[victim])
		procs[victim] = c.process(2, 41+round)
	}
	c.Published(ctx, rounds*each)
	for _, user := range erased {
		c.gone(ctx, store, user)
	}
	for _, p := range procs {
		c.kill(p)
	}
	c.Produce(&kgo.Record{Key: []byte(erased[0]), Value: []byte(`{"who":"` + erased[1] + `"`)})
	c.Drain()
	c.Verify()
	r := c.rebuilder(ctx)
	_, err := r.Start(ctx, nil, 0)
	c.do("start a rebuild", err)
	c.same(ctx, r)
	for _, user := range erased {
		c.gone(ctx, store, user)
	}
}

// holders are n users who got a badge, in the order in which they did.
func (c *community) holders(n int) []string {
	var users []string
	c.Until(c.T.Context(), "users have badges", func() bool {
		users = nil
		for _, e := range c.Badges() {
			if !slices.Contains(users, e.User) {
				users = append(users, e.User)
			}
		}
		slices.Sort(users)
		return len(users) >= n
	})
	return users[:n]
}

// gone waits until a user is erased, and looks for him everywhere.
func (c *community) gone(ctx context.Context, store *projections.Store, user string) {
	c.T.Helper()
	cfg := &erasure.Config{Brokers: c.Config.Brokers, Redis: c.Config.Redis, AwardTopic: c.Config.AwardTopic, DeadLetterTopic: c.Config.DeadLetterTopic}
	var r *erasure.Report
	c.Until(ctx, "nothing is left of "+user, func() bool {
		var err error
		r, err = erasure.Look(ctx, store, cfg, user)
		c.do("look what is left", err)
		return r.Done != ""
	})
	if r.Left() || r.Events == 0 {
		c.T.Errorf("%s: %+v", user, r)
	}
}
