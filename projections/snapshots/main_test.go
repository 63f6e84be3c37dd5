package snapshots

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }

var club = projections.TopicPartition{Topic: "activity"}

// world is a group that folds points, with its writer and Redis.
type world struct {
	t      *testing.T
	store  *projections.Store
	cat    *catalog.Catalog
	in     projections.Installed
	folder *projections.Folder
	rdb    *redis.Client
	offset int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, stack := t.Context(), stacktest.Embedded(t)
	cat, err := catalog.Load("stride")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, cat: cat}
	if w.store, err = projections.Open(ctx, stack.PostgresURL, "club"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.store.Close)
	if err := w.store.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if w.in, err = w.store.InstallCatalog(ctx, cat); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.store.Seed(ctx, []projections.Standing{{TopicPartition: club}}); err != nil {
		t.Fatal(err)
	}
	w.folder = w.store.NewFolder(w.in, cat, "test")
	t.Cleanup(func() { _ = w.folder.Close(context.Background()) })
	options, err := redis.ParseURL(stack.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	w.rdb = redis.NewClient(options)
	t.Cleanup(func() { _ = w.rdb.Close() })
	return w
}

// cluster is a client that takes the server for a cluster of one.
func (w *world) cluster() *redis.ClusterClient {
	cluster := redis.NewClusterClient(&redis.ClusterOptions{ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
		return []redis.ClusterSlot{{End: 16383, Nodes: []redis.ClusterNode{{Addr: w.rdb.Options().Addr}}}}, nil
	}})
	w.t.Cleanup(func() { _ = cluster.Close() })
	return cluster
}

// writer is a new process's writer, which expects what is folded now.
func (w *world) writer() *Writer {
	w.t.Helper()
	writer := NewWriter(w.rdb, "club", w.cat, w.in)
	if err := writer.Expect(w.t.Context(), club, projections.Position{Offset: w.offset}); err != nil {
		w.t.Fatal(err)
	}
	return writer
}

// earn folds points for users in turn. Its finals are copies.
func (w *world) earn(users, points int) ([]processor.Final, []projections.LedgerRow) {
	w.t.Helper()
	batch, window := processor.New(w.cat), processor.NewWindow(100)
	for i := range users {
		ev := schemas.Event{ID: fmt.Sprint(w.offset), Source: "/test", Type: "stride.points.earned", Subject: fmt.Sprintf("u%05d", i),
			Time: 1_770_000_000_000_000 + w.offset, HasTime: true, Data: fmt.Appendf(nil, `{"points":%d}`, points)}
		src := processor.Source{Topic: club.Topic, Offset: w.offset, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
		if _, err := batch.Add(&ev, src, window); err != nil {
			w.t.Fatal(err)
		}
		w.offset++
	}
	out, err := w.folder.Fold(w.t.Context(), &projections.Work{Batch: batch, Reason: schemas.ReasonActivity, Ranges: []projections.Range{{TopicPartition: club,
		From: projections.Position{Offset: w.offset - int64(users)}, To: projections.Position{Offset: w.offset}}}})
	if err != nil {
		w.t.Fatal(err)
	}
	finals := make([]processor.Final, len(out.Finals))
	for i, f := range out.Finals {
		finals[i] = f
		finals[i].Counters = append([]int64(nil), f.Counters...)
		finals[i].Held = append([]processor.Held(nil), f.Held...)
	}
	return finals, out.Ledger
}

// stands reads a user's snapshot from Redis.
func (w *world) stands(user string) *schemas.Snapshot { return w.standsIn(w.rdb, user) }

func (w *world) standsIn(rdb redis.UniversalClient, user string) *schemas.Snapshot {
	w.t.Helper()
	text, err := rdb.Get(w.t.Context(), Key("club", user)).Bytes()
	if err != nil {
		w.t.Fatalf("%s: %v", user, err)
	}
	s, err := schemas.ParseSnapshot(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// commands notes what a client sends, one line for each round trip.
type commands struct{ trips []string }

func (c *commands) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *commands) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.trips = append(c.trips, cmd.Name())
		return next(ctx, cmd)
	}
}

func (c *commands) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		trip := ""
		for _, cmd := range cmds {
			trip += cmd.Name() + " "
		}
		c.trips = append(c.trips, trip)
		return next(ctx, cmds)
	}
}
