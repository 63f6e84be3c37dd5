package simtest

import (
	"context"

	"github.com/badgestream/badgestream/schemas"
	"github.com/twmb/franz-go/pkg/kgo"
)

// watch reads the award topic all along, as a reader of badges does, and wants
// each badge event to be seen only when the row behind it is in Postgres, and
// the snapshot that shows it in Redis.
func (w *World) watch(ctx context.Context) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.cfg.Brokers...), kgo.Dialer(w.net.Host(fair{}).DialContext), kgo.ConsumeTopics(w.cfg.AwardTopic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		w.fail("watch: %v", err)
		return
	}
	defer cl.Close()
	for ctx.Err() == nil {
		cl.PollFetches(ctx).EachRecord(w.seen)
	}
}

func (w *World) seen(r *kgo.Record) {
	var e schemas.BadgeEvent
	if err := schemas.DecodeBadgeEvent(r.Headers, r.Value, &e); err != nil {
		w.fail("watch: %v", err)
		return
	}
	// A database that goes back to a backup takes rows of published badges along,
	// until it has folded them again; a Redis that loses something, snapshots.
	if !w.restored() && !w.Postgres.Recorded(e.Cause.Topic, e.Cause.Partition, e.Cause.Offset, e.Ordinal) {
		w.fail("watch: a badge event is seen before its row: %s", r.Value)
	}
	if w.Redis.Losses() > 0 {
		return
	}
	s, err := schemas.ParseSnapshot([]byte(w.Redis.Snapshot(e.User)))
	if err != nil || s.Version < e.UserVersion {
		w.fail("watch: a badge event is seen before its snapshot: %s", r.Value)
	}
}
