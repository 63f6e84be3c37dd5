package suite

import (
	"fmt"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// source is the partition of that number of the activity topic.
func source(partition int32) projections.TopicPartition {
	return projections.TopicPartition{Topic: "activity", Partition: partition}
}

// member is a process that folds, with what it folds by.
type member struct {
	process
	t      *testing.T
	store  pipeline.Store
	cat    *catalog.Catalog
	in     projections.Installed
	folder pipeline.Folder
}

// join makes a process, and with it the tables and four partitions.
func join(t *testing.T, s servers) *member {
	t.Helper()
	cat, err := catalog.Load("stride")
	if err != nil {
		t.Fatal(err)
	}
	m := &member{process: s.process(t), t: t, cat: cat}
	m.store = m.reach().Store
	m.must(m.store.Migrate(t.Context()))
	m.in, err = m.store.InstallCatalog(t.Context(), cat)
	m.must(err)
	var seeds []projections.Standing
	for p := range int32(4) {
		seeds = append(seeds, projections.Standing{TopicPartition: source(p), TopicID: projections.TopicID{1}})
	}
	_, _, err = m.store.Seed(t.Context(), seeds)
	m.must(err)
	m.folder = m.store.NewFolder(m.in, cat, "suite")
	t.Cleanup(func() { _ = m.folder.Close(t.Context()) })
	return m
}

func (m *member) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// event is one of the running club.
type event struct{ kind, user, data string }

func points(user string, n int) event {
	return event{"stride.points.earned", user, fmt.Sprintf(`{"points":%d}`, n)}
}

const noon = 1_770_000_000_000_000

// work makes the events of a range that begins at an offset.
func (m *member) work(partition int32, from int64, events ...event) *projections.Work {
	m.t.Helper()
	batch, window := processor.New(m.cat), processor.NewWindow(1000)
	m.add(batch, window, partition, from, events)
	return &projections.Work{Batch: batch, Reason: schemas.ReasonActivity, Ranges: []projections.Range{{TopicPartition: source(partition),
		From: projections.Position{Offset: from}, To: projections.Position{Offset: from + int64(len(events))}}}}
}

func (m *member) add(batch *processor.Batch, window *processor.Window, partition int32, from int64, events []event) {
	m.t.Helper()
	for i, e := range events {
		offset := from + int64(i)
		ev := schemas.Event{ID: fmt.Sprintf("%d-%d", partition, offset), Source: "/suite", Type: e.kind, Subject: e.user, Time: noon + offset, HasTime: true, Data: []byte(e.data)}
		src := processor.Source{Topic: "activity", Partition: partition, Offset: offset, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
		if _, err := batch.Add(&ev, src, window); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (m *member) fold(partition int32, from int64, events ...event) *projections.Outcome {
	m.t.Helper()
	out, err := m.folder.Fold(m.t.Context(), m.work(partition, from, events...))
	m.must(err)
	return out
}

// stands is the fold offset.
func (m *member) stands(partition int32) projections.Position {
	m.t.Helper()
	all, err := m.store.Positions(m.t.Context(), "activity")
	m.must(err)
	for _, s := range all {
		if s.Partition == partition {
			return s.Position
		}
	}
	m.t.Fatalf("partition %d was not seeded", partition)
	return projections.Position{}
}

func (m *member) ledger(partition int32) []projections.LedgerRow {
	m.t.Helper()
	rows, err := m.store.LedgerFrom(m.t.Context(), source(partition), projections.Position{}, 1000)
	m.must(err)
	return rows
}

func (m *member) history(partition int32, from, to projections.Mark) (rows []projections.HistoryRow) {
	m.t.Helper()
	m.must(m.store.HistoryRange(m.t.Context(), source(partition), from, to, func(h *projections.HistoryRow) error {
		rows = append(rows, *h)
		return nil
	}))
	return rows
}

func (m *member) version(user string) int64 {
	m.t.Helper()
	rows, err := m.store.Users(m.in, m.cat).Of(m.t.Context(), user)
	m.must(err)
	if len(rows) == 0 {
		return 0
	}
	return rows[0].Version
}
