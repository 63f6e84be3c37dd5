package pipeline_test

import (
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// TestPredecessorDied has a predecessor fold and die before Redis and Kafka
// heard of it, with no later event of the users, and wants their snapshots and
// badge events all the same.
func TestPredecessorDied(t *testing.T) {
	t.Parallel()
	c := found(t, stacktest.Embedded(t), loadCatalog(t, "starview"), 1)
	ctx := t.Context()
	c.produce(visits(1, "first")...)
	c.drain()
	c.produce(visits(6, "u1")...)
	store, err := projections.Open(ctx, c.cfg.Postgres, c.cfg.Group)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	in, err := store.InstallCatalog(ctx, c.cat)
	if err != nil {
		t.Fatal(err)
	}
	folder := store.NewFolder(in, c.cat, "predecessor")
	defer func() { _ = folder.Close(ctx) }()
	batch, window := processor.New(c.cat), processor.NewWindow(c.cat.DedupeWindow)
	for _, r := range c.read(c.cfg.ActivityTopic)[1:] {
		var ev schemas.Event
		if err := schemas.Decode(r.Headers, r.Value, &ev); err != nil {
			t.Fatal(err)
		}
		src := processor.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
		if _, err := batch.Add(&ev, src, window); err != nil {
			t.Fatal(err)
		}
	}
	_, err = folder.Fold(ctx, &projections.Work{Batch: batch, Reason: schemas.ReasonActivity, Ranges: []projections.Range{{
		TopicPartition: projections.TopicPartition{Topic: c.cfg.ActivityTopic},
		From:           projections.Position{Offset: 1}, To: projections.Position{Offset: 7}}}})
	if err != nil {
		t.Fatal(err)
	}
	c.drain()
	c.verify()
}
