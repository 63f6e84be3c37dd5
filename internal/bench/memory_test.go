package bench

import (
	"context"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/bench/procfs"
	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// TestMemoryIsMeasured drains small backlogs on embedded servers.
func TestMemoryIsMeasured(t *testing.T) {
	t.Parallel()
	machine, known := procfs.MachineMemory()
	if !known {
		t.Skip("this system does not tell how much memory a process has")
	}
	b, r := on(t, stacktest.Embedded(t)), &Result{}
	users := func(w *Workload) float64 { return float64(w.Users) }
	few, many := b.Workload, b.Workload
	few.Users, many.Users = 20, 2_000
	if err := b.memoryCurve(t.Context(), r, "many", []Workload{few, many}, users, Curve{Name: "memory-test"}); err != nil {
		t.Fatal(err)
	}
	if err := b.memoryOfLargeBatches(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if len(r.Figures) != 3 || len(r.Curves) != 1 {
		t.Fatalf("%d figures and %d curves, want 3 and 1: %+v", len(r.Figures), len(r.Curves), r)
	}
	for _, f := range r.Figures[:2] {
		if f.Measure != "memory" || f.Unit != "MiB" || !f.Lower || f.Value < 1 || f.Value > float64(machine)/(1<<20) {
			t.Errorf("%+v is no memory of a process", f)
		}
	}
	if f := r.Figures[2]; f.Unit != "users" || f.Value < 1 || f.Value > float64(b.Workload.Events) {
		t.Errorf("%+v: there are %d users in all", f, b.Workload.Events)
	}
	points := r.Curves[0].Lines[0].Points
	if len(points) != 2 || points[0][0] != 20 || points[1] != [2]float64{2_000, r.Figures[0].Value} {
		t.Errorf("the curve is %v, want it at 20 and 2,000 users, to end with %g", points, r.Figures[0].Value)
	}
	if err := b.Servers.sweep(t.Context(), b.prefix+".activity"); err != nil { // what measures share
		t.Fatal(err)
	}
	nothingLeft(t, b)
}

// TestMemoryWorkloads: the last of each is the whole, so that its log is
// shared.
func TestMemoryWorkloads(t *testing.T) {
	t.Parallel()
	whole := Workload{Events: 10_000, Users: 1_000, Skew: 1.1, Seed: 7, Partitions: 4, PlainEvents: 3_000, Rounds: 3, Catalog: "starview"}
	part := func(events, plain int64, users int) Workload {
		w := whole
		w.Events, w.PlainEvents, w.Users = events, plain, users
		return w
	}
	for i, c := range []struct{ got, want []Workload }{
		{parts(whole), []Workload{part(2_500, 2_500, 1_000), part(5_000, 3_000, 1_000), whole}},
		{crowds(whole), []Workload{part(10_000, 3_000, 10), whole, part(10_000, 3_000, 10_000)}},
		{parts(Workload{Events: 1, PlainEvents: 1}), []Workload{{Events: 1, PlainEvents: 1}, {Events: 1, PlainEvents: 1}, {Events: 1, PlainEvents: 1}}},
		{crowds(Workload{Events: 1}), []Workload{{Events: 1, Users: 2}, {Events: 1, Users: 2}, {Events: 1, Users: 2}}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("case %d: %+v, want %+v", i, c.got, c.want)
		}
		for _, w := range c.got {
			if w.Partitions == 0 {
				continue
			}
			if err := w.Check(); err != nil {
				t.Errorf("case %d: %v", i, err)
			}
		}
	}
}

// TestStrangersAreAllDifferent folds them: as many users as events, and a
// badge for each.
func TestStrangersAreAllDifferent(t *testing.T) {
	t.Parallel()
	b := on(t, stacktest.Embedded(t))
	const events = 1_500
	b.Workload.Events = events
	topic := b.prefix + ".strangers"
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Servers.Brokers...), kgo.ConsumeTopics(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Servers.sweep(context.WithoutCancel(t.Context()), topic); err != nil {
			t.Error(err)
		}
	}()
	if err := b.fillStrangers(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load("starview")
	if err != nil {
		t.Fatal(err)
	}
	batch, window := processor.New(cat), processor.NewWindow(events)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	for n := 0; n < events; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d records: %v", n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n++
			var ev schemas.Event
			if err := schemas.Decode(r.Headers, r.Value, &ev); err != nil {
				t.Fatal(err)
			}
			src := processor.Source{Topic: topic, Offset: r.Offset, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
			if verdict, err := batch.Add(&ev, src, window); err != nil || verdict != processor.Folded {
				t.Fatalf("offset %d: verdict %d, %v", r.Offset, verdict, err)
			}
		})
	}
	if err := processor.NewMemory(cat).Fold(batch); err != nil {
		t.Fatal(err)
	}
	if users, badges := len(batch.Finals()), len(batch.Changes()); users != events || badges != events {
		t.Errorf("%d users have %d badges, want %d of each", users, badges, events)
	}
}
