package pipeline_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
)

func TestRealRestored(t *testing.T) { t.Parallel(); testRestored(t, stacktest.Real(t)) }
func TestRestored(t *testing.T)     { t.Parallel(); testRestored(t, stacktest.Embedded(t)) }

// testRestored goes back to a copy of the database that was made long before,
// and wants the engine to fold again what the copy lacks, to the very history
// that is published, and to go on.
func testRestored(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, loadCatalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	records := crowd(t, 23, 120, 6_000)
	c.cfg.Batch = 61
	c.produce(records[:2_000]...)
	c.drain()
	backup := c.backup(ctx)
	c.produce(records[2_000:4_000]...)
	c.drain()
	c.verify()
	c.cfg.Postgres = backup
	c.drain()
	c.verify()
	c.produce(records[4_000:]...)
	c.drain()
	c.verify()
}

// backup copies the database, as it is now, to a new one.
func (c *community) backup(ctx context.Context) string {
	c.t.Helper()
	from, err := url.Parse(c.cfg.Postgres)
	if err != nil {
		c.t.Fatal(err)
	}
	name := strings.TrimPrefix(from.Path, "/")
	admin := *from
	admin.Path = "/postgres"
	conn, err := pgx.Connect(ctx, admin.String())
	if err != nil {
		c.t.Fatal(err)
	}
	copied := name + "_backup"
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{copied}.Sanitize()+" TEMPLATE "+pgx.Identifier{name}.Sanitize()); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		ctx := context.WithoutCancel(ctx)
		if _, err := conn.Exec(ctx, "DROP DATABASE "+pgx.Identifier{copied}.Sanitize()+" WITH (FORCE)"); err != nil {
			c.t.Error(err)
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
	c := found(t, stack, loadCatalog(t, "starview"), 2)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	c.produce(visits(3, "u1")...)
	c.drain()
	backup := c.backup(ctx)
	c.produce(visits(3, "u2")...)
	c.drain()
	c.cfg.Postgres = backup
	adm := kadm.NewClient(c.cl)
	ends, err := adm.ListEndOffsets(ctx, c.cfg.Group+".ledger")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := adm.DeleteRecords(ctx, ends.Offsets()); err != nil {
		t.Fatal(err)
	}
	_, err = pipeline.Run(ctx, c.cfg, c.cat, c.telemetry())
	if err == nil || !strings.Contains(err.Error(), "does not say in which order") {
		t.Errorf("the engine ended with: %v", err)
	}
}

func TestRealRestoredBlind(t *testing.T) { t.Parallel(); testRestoredBlind(t, stacktest.Real(t)) }
func TestRestoredBlind(t *testing.T)     { t.Parallel(); testRestoredBlind(t, stacktest.Embedded(t)) }
