package pipeline_test

import (
	"context"
	"os/exec"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/erasure"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealErased(t *testing.T) { t.Parallel(); testErased(t, stacktest.Real(t)) }
func TestErased(t *testing.T)     { t.Parallel(); testErased(t, stacktest.Embedded(t)) }

// testErased erases users while processes fold, which are killed, and whose users
// come back and go on. Nothing of the erased may be left, also by a rebuild, which
// must come out the same to the byte.
func testErased(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	const rounds, each = 4, 1_000
	records := grouptest.Crowd(t, 71, 80, rounds*each)
	procs := []*exec.Cmd{c.process(2, 41), c.process(2, 67)}
	store := c.store(ctx)
	var erased []string
	for round := range rounds {
		c.Produce(records[round*each : (round+1)*each]...)
		c.Published(ctx, int64(round*each+each/3))
		users := c.Holders(ctx, 4*(round+1))[4*round:]
		c.Produce(&kgo.Record{Key: []byte(users[0]), Value: []byte("no event")}, &kgo.Record{Key: []byte("k"), Value: []byte(`{"who":"` + users[1] + `"`)})
		if round == 0 { // later ones may be folded after the erasure, and name nobody from the beginning
			c.Published(ctx, each+2)
		}
		_, _, err := erasure.Erase(ctx, store, c.Config.Brokers, users, "a moderator", "they asked for it", 0)
		c.do("erase", err)
		erased = append(erased, users...)
		victim := round % 2
		c.kill(procs[victim])
		procs[victim] = c.process(2, 41+round)
	}
	c.Published(ctx, rounds*(each+2))
	letters := int64(0)
	for _, r := range c.gone(ctx, store, erased...) {
		letters += r.LettersForgotten
	}
	if letters < 2 {
		t.Errorf("%d dead letters of theirs are followed by a tombstone; at least two named them", letters)
	}
	_, in, err := store.CurrentCatalog(ctx)
	c.do("read the group's secret", err)
	for _, user := range erased {
		e, err := store.ErasureOf(ctx, schemas.HashUser(in.Secret, user))
		c.do("look for the erasure", err)
		if e.Removed["rows"] == 0 || e.Removed["badge_events"] == 0 {
			t.Errorf("%s had badges, and what was removed is told to be %v", user, e.Removed)
		}
	}
	// The embedded broker keeps the partitions of two members that are killed at
	// once, while one of them has just joined.
	for _, p := range procs {
		_, err := c.terminate(ctx, p)
		c.do("end a process", err)
	}
	c.Produce(&kgo.Record{Key: []byte(erased[0]), Value: []byte(`{"who":"` + erased[1] + `"`)})
	c.Drain()
	c.Verify()
	r := c.rebuilder(ctx)
	_, err = r.Start(ctx, pipeline.Request{})
	c.do("start a rebuild", err)
	c.same(ctx, r)
	c.gone(ctx, store, erased...)
}

// gone waits until users are erased, and looks for them everywhere.
func (c *community) gone(ctx context.Context, store *projections.Store, users ...string) []*erasure.Report {
	c.T.Helper()
	_, in, err := store.CurrentCatalog(ctx)
	c.do("read the group's secret", err)
	for _, user := range users {
		c.Until(ctx, "nothing is left of "+user, func() bool {
			e, err := store.ErasureOf(ctx, schemas.HashUser(in.Secret, user))
			c.do("look for the erasure", err)
			return e != nil && e.Done != nil
		})
	}
	cfg := &erasure.Config{Brokers: c.Config.Brokers, Redis: c.Config.Redis, AwardTopic: c.Config.AwardTopic, DeadLetterTopic: c.Config.DeadLetterTopic}
	reports, err := erasure.Look(ctx, store, cfg, users...)
	c.do("look what is left", err)
	for _, r := range reports {
		if r.Left() || r.Events == 0 {
			c.T.Errorf("%s: %+v", r.User, r)
		}
	}
	return reports
}
