package pipeline_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealRestored(t *testing.T) { t.Parallel(); testRestored(t, stacktest.Real(t)) }
func TestRestored(t *testing.T)     { t.Parallel(); testRestored(t, stacktest.Embedded(t)) }

// testRestored goes back to a copy of the database that was made long before,
// and wants the engine to fold again what the copy lacks, to the very history
// that is published, under the very numbers, and to go on. The ledger's numbers
// have gaps, as they have after transactions that were rolled back.
func testRestored(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	records := grouptest.Crowd(t, 23, 120, 6_000)
	c.Config.Batch = 61
	c.skipNumbers(ctx, 3)
	c.Produce(records[:2_000]...)
	c.Drain()
	backup := c.backup(ctx, "first")
	for i := 2_000; i < 4_000; i += 500 {
		c.skipNumbers(ctx, 7)
		c.Produce(records[i : i+500]...)
		c.Drain()
	}
	c.Verify()
	c.Config.Postgres = backup
	c.Drain()
	c.Verify()
	c.Produce(records[4_000:]...)
	c.Drain()
	c.Verify()
}

// skipNumbers draws numbers of the ledger that no row will bear.
func (c *community) skipNumbers(ctx context.Context, n int) {
	c.T.Helper()
	conn, err := pgx.Connect(ctx, c.Config.Postgres)
	if err != nil {
		c.T.Fatal(err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `SELECT nextval($1::text::regclass) FROM generate_series(1, $2)`, pgx.Identifier{c.Config.Group}.Sanitize()+".ledger_number", n)
	c.do("draw numbers of the ledger", err)
}

// testRestoredTwice goes back to the same backup twice. In between, Redis got a
// snapshot of a future that never was published and will not come again: it
// must not stay.
func testRestoredTwice(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	c.Produce(visits(3, "u1")...)
	c.Drain()
	first, second := c.backup(ctx, "first"), c.backup(ctx, "second")
	c.Produce(visits(4, "u2")...)
	c.Drain()
	c.Config.Postgres = first
	c.Drain()
	c.Verify()
	rdb, key := c.redis(), snapshots.Key(c.Config.Group, "u2")
	text, err := rdb.Get(ctx, key).Result()
	c.do("read a snapshot", err)
	lost, err := schemas.ParseSnapshot([]byte(text))
	c.do("decode it", err)
	lost.Version += 50
	c.do("write one of a lost future", rdb.Set(ctx, key, lost.Append(nil), 0).Err())
	c.Config.Postgres = second
	c.Drain()
	c.Produce(visits(2, "u3")...)
	c.Drain()
	c.Verify()
}

func TestRealRestoredTwice(t *testing.T) { t.Parallel(); testRestoredTwice(t, stacktest.Real(t)) }
func TestRestoredTwice(t *testing.T)     { t.Parallel(); testRestoredTwice(t, stacktest.Embedded(t)) }

// TestRealRestoredUnderLoad restores Postgres to what it was long before, while
// two processes run and events come in: nobody is stopped by hand.
func TestRealRestoredUnderLoad(t *testing.T) {
	stacktest.NeedReal(t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	c, stack, dir := ownServers(ctx, t, grouptest.Catalog(t, "starview"), 4)
	data := filepath.Join(dir, "postgres", "data")
	copied := func(from, to string) {
		t.Helper()
		if out, err := exec.CommandContext(ctx, "cp", "-a", from, to).CombinedOutput(); err != nil {
			t.Fatalf("copy %s: %v: %s", from, err, out)
		}
	}
	records := grouptest.Crowd(t, 29, 150, 9_000)
	stops := []func(){c.Engine(ctx, 2, 41), c.Engine(ctx, 2, 67)}
	c.Produce(records[:2_000]...)
	c.Published(ctx, 1_000)
	c.do("stop Postgres", stack.Postgres.Stop(ctx))
	copied(data, data+".backup")
	c.do("start Postgres", stack.Postgres.Start(ctx))
	for round := range 2 {
		c.skipNumbers(ctx, 5)
		from := 2_000 + round*3_000
		c.Produce(records[from : from+3_000]...)
		c.Published(ctx, int64(from+1_500))
		// Backends that outlive a kill would write into the restored files.
		c.do("stop Postgres", stack.Postgres.Stop(ctx))
		c.do("take its data away", os.RemoveAll(data))
		copied(data+".backup", data)
		c.do("start the restored Postgres", stack.Postgres.Start(ctx))
		c.Published(ctx, int64(from+3_000))
	}
	c.Produce(records[8_000:]...)
	c.Published(ctx, int64(len(records)))
	for _, stop := range stops {
		stop()
	}
	c.Drain()
	c.Verify()
}

// backup copies the database, as it is now, to a new one.
func (c *community) backup(ctx context.Context, label string) string {
	c.T.Helper()
	from, err := url.Parse(c.Config.Postgres)
	if err != nil {
		c.T.Fatal(err)
	}
	name := strings.TrimPrefix(from.Path, "/")
	admin := *from
	admin.Path = "/postgres"
	conn, err := pgx.Connect(ctx, admin.String())
	if err != nil {
		c.T.Fatal(err)
	}
	copied := name + "_" + label
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{copied}.Sanitize()+" TEMPLATE "+pgx.Identifier{name}.Sanitize()); err != nil {
		c.T.Fatal(err)
	}
	c.T.Cleanup(func() {
		ctx := context.WithoutCancel(ctx)
		if _, err := conn.Exec(ctx, "DROP DATABASE "+pgx.Identifier{copied}.Sanitize()+" WITH (FORCE)"); err != nil {
			c.T.Error(err)
		}
		_ = conn.Close(ctx)
	})
	to := *from
	to.Path = "/" + copied
	return to.String()
}

// testRestoredBlind restores a backup when the ledger topic has lost its
// records, and wants a halt that says so.
func testRestoredBlind(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	c.Produce(visits(3, "u1")...)
	c.Drain()
	backup := c.backup(ctx, "backup")
	c.Produce(visits(3, "u2")...)
	c.Drain()
	c.Config.Postgres = backup
	adm := kadm.NewClient(c.Client)
	ends, err := adm.ListEndOffsets(ctx, c.Config.Group+".ledger")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := adm.DeleteRecords(ctx, ends.Offsets()); err != nil {
		t.Fatal(err)
	}
	_, err = pipeline.Run(ctx, c.Config, c.Catalog, c.Telemetry())
	if err == nil || !strings.Contains(err.Error(), "does not say in which order") {
		t.Errorf("the engine ended with: %v", err)
	}
}

func TestRealRestoredBlind(t *testing.T) { t.Parallel(); testRestoredBlind(t, stacktest.Real(t)) }
func TestRestoredBlind(t *testing.T)     { t.Parallel(); testRestoredBlind(t, stacktest.Embedded(t)) }
