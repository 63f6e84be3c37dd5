package oracle_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealWatch(t *testing.T) { t.Parallel(); testWatch(t, stacktest.Real(t)) }
func TestWatch(t *testing.T)     { t.Parallel(); testWatch(t, stacktest.Embedded(t)) }

// testWatch watches engines that do nothing wrong, and then everything that
// must never happen, done by hand.
func testWatch(t *testing.T, stack *stacktest.Stack) {
	g := found(t, stack, loadCatalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w, err := oracle.Watch(ctx, g.config(), 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	sampled(ctx, t, w)
	g.cfg.Batch = 50
	records := crowd(t, 3, 40, 2_000)
	stop := g.engine(ctx, 2, 50)
	g.produce(records...)
	g.drain()
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

	for what, tc := range map[string]struct {
		want string
		do   func()
	}{
		"K goes back": {oracle.WatermarkNeverBack, func() { g.commit(ctx, -1) }},
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
		w, err := oracle.Watch(ctx, g.config(), 5*time.Millisecond)
		if err != nil {
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
	g.t.Helper()
	if err := g.pg.QueryRow(g.t.Context(), `SELECT id FROM `+g.gen()+`.users ORDER BY version DESC, id LIMIT 1`).Scan(&id); err != nil {
		g.t.Fatal(err)
	}
	return id
}

// commit moves the committed offset of partition 0 by hand.
func (g *group) commit(ctx context.Context, by int64) {
	g.t.Helper()
	adm := kadm.NewClient(g.cl)
	found, err := adm.FetchOffsetsForTopics(ctx, g.cfg.Group, g.cfg.ActivityTopic)
	if err != nil {
		g.t.Fatal(err)
	}
	o, _ := found.Lookup(g.cfg.ActivityTopic, 0)
	o.At += by
	commits := kadm.Offsets{}
	commits.Add(o.Offset)
	if err := adm.CommitAllOffsets(ctx, g.cfg.Group, commits); err != nil {
		g.t.Fatal(err)
	}
}

// snapshot changes a user's snapshot in Redis.
func (g *group) snapshot(user string, change func(*schemas.Snapshot)) {
	g.t.Helper()
	key := g.cfg.Group + ":progress:" + user
	text, err := g.rdb.Get(g.t.Context(), key).Bytes()
	if err != nil {
		g.t.Fatalf("%s: %v", key, err)
	}
	s, err := schemas.ParseSnapshot(text)
	if err != nil {
		g.t.Fatal(err)
	}
	change(s)
	if err := g.rdb.Set(g.t.Context(), key, s.Append(nil), 0).Err(); err != nil {
		g.t.Fatal(err)
	}
}

// announce produces a copy of the first badge event, changed.
func (g *group) announce(change func(*schemas.BadgeEvent)) {
	g.t.Helper()
	records := g.read(g.cfg.AwardTopic)
	var e schemas.BadgeEvent
	if err := schemas.DecodeBadgeEvent(records[0].Headers, records[0].Value, &e); err != nil {
		g.t.Fatal(err)
	}
	change(&e)
	g.produce(&kgo.Record{Topic: g.cfg.AwardTopic, Key: []byte(e.ID()), Value: e.AppendStructured(nil), Headers: records[0].Headers})
}

// read returns all records of a topic that a read_committed reader sees.
func (g *group) read(topic string) (records []*kgo.Record) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 30*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(g.cfg.Brokers...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		g.t.Fatal(err)
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, topic)
	if err != nil {
		g.t.Fatal(err)
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			g.t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		})
	}
	return records
}
