package grouptest

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/schemas"
)

const lookTime = 20 * time.Millisecond

// Read returns all records of a topic that a read_committed reader sees, once
// all transactions on it have ended.
func (g *Group) Read(topic string) []*kgo.Record {
	g.T.Helper()
	ctx, cancel := context.WithTimeout(g.T.Context(), stacktest.Patience(g.T))
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(g.Config.Brokers...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		g.T.Fatal(err)
	}
	defer cl.Close()
	left := g.ends(ctx, kadm.NewClient(cl), topic)
	var records []*kgo.Record
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			g.T.Fatal(err)
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

// ends waits until all that is written is committed or aborted: that a
// transaction committed is told to one partition after the other.
func (g *Group) ends(ctx context.Context, adm *kadm.Client, topic string) map[int32]int64 {
	g.T.Helper()
	written, err := adm.ListEndOffsets(ctx, topic)
	if err != nil {
		g.T.Fatal(err)
	}
	left := map[int32]int64{}
	g.Until(ctx, "all transactions on "+topic+" are ended", func() bool {
		ends, err := adm.ListCommittedOffsets(ctx, topic)
		ended := err == nil
		ends.Each(func(o kadm.ListedOffset) {
			end, _ := written.Lookup(o.Topic, o.Partition)
			ended = ended && o.Err == nil && o.Offset >= end.Offset
			if o.Offset > 0 {
				left[o.Partition] = o.Offset
			}
		})
		return ended
	})
	return left
}

// Badges returns the badge events that were published, also those that a
// tombstone follows.
func (g *Group) Badges() []schemas.BadgeEvent {
	g.T.Helper()
	var events []schemas.BadgeEvent
	for _, r := range g.Read(g.Config.AwardTopic) {
		if len(r.Value) == 0 {
			continue // a tombstone
		}
		var e schemas.BadgeEvent
		if err := schemas.DecodeBadgeEvent(r.Headers, r.Value, &e); err != nil {
			g.T.Fatalf("%s: %v", r.Value, err)
		}
		events = append(events, e)
	}
	return events
}

// Published waits until the group's committed offsets of the activity topic
// sum up to n.
func (g *Group) Published(ctx context.Context, n int64) {
	g.T.Helper()
	adm := kadm.NewClient(g.Client)
	for look := time.NewTicker(lookTime); ; {
		offsets, err := adm.FetchOffsetsForTopics(kadm.RequireStable(ctx), g.Config.Group, g.Config.ActivityTopic)
		sum := int64(0)
		offsets.Each(func(o kadm.OffsetResponse) { sum += max(0, o.At) })
		if err == nil && sum >= n {
			return
		}
		select {
		case <-ctx.Done():
			g.T.Fatalf("%d records are published, and %d should be (%v)", sum, n, err)
		case <-look.C:
		}
	}
}

// Until waits until something holds, for as long as the context lives.
func (g *Group) Until(ctx context.Context, what string, holds func() bool) {
	g.T.Helper()
	look := time.NewTicker(lookTime)
	defer look.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			g.T.Fatalf("it never came that %s", what)
		case <-look.C:
		}
	}
}
