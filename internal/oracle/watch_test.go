package oracle_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealWatch(t *testing.T) { t.Parallel(); testWatch(t, stacktest.Real(t)) }
func TestWatch(t *testing.T)     { t.Parallel(); testWatch(t, stacktest.Embedded(t)) }

// testWatch watches engines that do nothing wrong, and then everything that
// must never happen, done by hand.
func testWatch(t *testing.T, stack *stacktest.Stack) {
	g := found(t, stack, grouptest.Catalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	w, err := oracle.Watch(ctx, g.AuditConfig(), 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	sampled(ctx, t, w)
	g.Config.Batch = 50
	records := grouptest.Crowd(t, 3, 40, 2_000)
	stop := g.Engine(ctx, 2, 50)
	g.Produce(records...)
	g.Drain()
	stop()
	sampled(ctx, t, w)
	r := w.Stop()
	if err := r.Err(); err != nil {
		t.Errorf("nothing was wrong: %v\n%s", err, r)
	}
	for _, c := range r.Checks {
		if c.Looked == 0 {
			t.Errorf("%s looked at nothing", c.Name)
		}
	}

	// A coordinator forgets for a while what it knew, and reads it again.
	if w, err = oracle.Watch(ctx, g.AuditConfig(), 5*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	sampled(ctx, t, w)
	w.KillsKafka()
	for _, by := range []int64{-3, 1, 2} {
		g.commit(ctx, by)
		sampled(ctx, t, w)
	}
	w.Rested()
	sampled(ctx, t, w)
	if r := w.Stop(); slices.Contains(r.Failed(), oracle.WatermarkNeverBack) {
		t.Errorf("K was only answered from an older state\n%s", r)
	}

	for what, tc := range map[string]struct {
		want string
		do   func()
	}{
		"K goes back": {oracle.WatermarkNeverBack, func() { g.commit(ctx, -1) }},
		"K goes back, and stays there": {oracle.WatermarkNeverBack, func() {
			w.KillsKafka()
			g.commit(ctx, -1)
			sampled(ctx, t, w)
			w.Rested()
		}},
		"K above P":   {oracle.WatermarkBelowFold, func() { g.commit(ctx, 1_000) }},
		"P goes back": {oracle.FoldNeverBack, func() { g.sql(`UPDATE ` + g.base() + `.fold_offset SET next = next - 1 WHERE next > 0`) }},
		"a snapshot goes back": {oracle.SnapshotsNeverBack, func() {
			g.snapshot(g.busiest(), func(s *schemas.Snapshot) { s.Version-- })
		}},
		"a snapshot ahead of its row": {oracle.SnapshotsBacked, func() {
			g.snapshot(g.busiest(), func(s *schemas.Snapshot) { s.Version += 5 })
		}},
		"a badge event without a row":      {oracle.AwardsBacked, func() { g.announce(func(e *schemas.BadgeEvent) { e.Cause.Offset += 1_000_000 }) }},
		"a badge event without a snapshot": {oracle.AwardsShown, func() { g.announce(func(e *schemas.BadgeEvent) { e.UserVersion += 1_000 }) }},
	} {
		if w, err = oracle.Watch(ctx, g.AuditConfig(), 5*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		sampled(ctx, t, w)
		tc.do()
		sampled(ctx, t, w)
		if r := w.Stop(); !slices.Contains(r.Failed(), tc.want) {
			t.Errorf("%s: %v fail, and %s should\n%s", what, r.Failed(), tc.want, r)
		}
	}
}

// sampled waits until what is there now was looked at.
func sampled(ctx context.Context, t *testing.T, w *oracle.Watcher) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for from := w.Samples(); w.Samples() < from+3; {
		select {
		case <-ctx.Done():
			t.Fatal("no samples are taken any more")
		case <-look.C:
		}
	}
}

// busiest is the user to whom most happened.
func (g *group) busiest() (id string) {
	g.T.Helper()
	if err := g.pg.QueryRow(g.T.Context(), `SELECT id FROM `+g.gen()+`.users ORDER BY version DESC, id LIMIT 1`).Scan(&id); err != nil {
		g.T.Fatal(err)
	}
	return id
}

// commit moves the committed offset of partition 0 by hand.
func (g *group) commit(ctx context.Context, by int64) {
	g.T.Helper()
	adm := kadm.NewClient(g.Client)
	found, err := adm.FetchOffsetsForTopics(ctx, g.Config.Group, g.Config.ActivityTopic)
	if err != nil {
		g.T.Fatal(err)
	}
	o, _ := found.Lookup(g.Config.ActivityTopic, 0)
	o.At += by
	commits := kadm.Offsets{}
	commits.Add(o.Offset)
	if err := adm.CommitAllOffsets(ctx, g.Config.Group, commits); err != nil {
		g.T.Fatal(err)
	}
}

// snapshot changes a user's snapshot in Redis.
func (g *group) snapshot(user string, change func(*schemas.Snapshot)) {
	g.T.Helper()
	key := g.Config.Group + ":progress:" + user
	text, err := g.rdb.Get(g.T.Context(), key).Bytes()
	if err != nil {
		g.T.Fatalf("%s: %v", key, err)
	}
	s, err := schemas.ParseSnapshot(text)
	if err != nil {
		g.T.Fatal(err)
	}
	change(s)
	if err := g.rdb.Set(g.T.Context(), key, s.Append(nil), 0).Err(); err != nil {
		g.T.Fatal(err)
	}
}

// announce produces a copy of the first badge event, changed.
func (g *group) announce(change func(*schemas.BadgeEvent)) {
	g.T.Helper()
	records := g.Read(g.Config.AwardTopic)
	var e schemas.BadgeEvent
	if err := schemas.DecodeBadgeEvent(records[0].Headers, records[0].Value, &e); err != nil {
		g.T.Fatal(err)
	}
	change(&e)
	g.Produce(&kgo.Record{Topic: g.Config.AwardTopic, Key: []byte(e.ID()), Value: e.AppendStructured(nil), Headers: records[0].Headers})
}
