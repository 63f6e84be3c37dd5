package wire_test

import (
	"context"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/faults/wire"
	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestPostgres(t *testing.T)     { testPostgres(t, stacktest.Embedded(t)) }
func TestRealPostgres(t *testing.T) { testPostgres(t, stacktest.Real(t)) }

// testPostgres inserts a row in a transaction of two round trips, as the engine
// does, with a fault at one point of it, and looks whether the row is there.
func testPostgres(t *testing.T, stack *stacktest.Stack) {
	ctx := limited(t)
	direct, err := pgx.Connect(ctx, stack.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close(ctx)
	if _, err := direct.Exec(ctx, `CREATE SCHEMA own CREATE TABLE thing (id int)`); err != nil {
		t.Fatal(err)
	}
	proxy, url := through(t, wire.Postgres, stack.PostgresURL)
	for i, tt := range []struct {
		point     wire.Point
		fault     wire.Fault
		committed bool
		fails     bool
		at        int // which of two transactions fails
	}{
		{wire.Point{Message: "INSERT thing", Side: wire.Before}, wire.Cut(), false, true, 1},
		{wire.Point{Message: "INSERT thing", Side: wire.After}, wire.Cut(), false, true, 1},
		{wire.Point{Message: "COMMIT", Side: wire.Before}, wire.Cut(), false, true, 1},
		{wire.Point{Message: "COMMIT", Side: wire.Before}, wire.Hang(50 * time.Millisecond), false, true, 1},
		{wire.Point{Message: "COMMIT", Side: wire.After}, wire.Lose(), true, true, 1},
		{wire.Point{Message: "COMMIT", Side: wire.After}, wire.Cut(), true, true, 1},
		{wire.Point{Message: "COMMIT", Side: wire.After, Nth: 2}, wire.Lose(), true, true, 2},
		{wire.Point{Message: "COMMIT", Side: wire.Before}, wire.Delay(50 * time.Millisecond), true, false, 1},
	} {
		armed := proxy.Arm(tt.point, tt.fault)
		began := time.Now()
		for n := 1; n <= tt.at; n++ {
			err := insert(ctx, url, 10*i+n)
			if failed := err != nil; failed != (tt.fails && n == tt.at) {
				t.Errorf("row %d, transaction %d: %v", i, n, err)
			}
		}
		must(t, armed)
		if !tt.fails && time.Since(began) < 50*time.Millisecond {
			t.Errorf("row %d was not delayed", i)
		}
		var there bool
		if err := direct.QueryRow(ctx, `SELECT EXISTS (SELECT FROM own.thing WHERE id = $1)`, 10*i+tt.at).Scan(&there); err != nil {
			t.Fatal(err)
		}
		if there != tt.committed {
			t.Errorf("row %d: %s: committed %t", i, tt.point, there)
		}
	}
}

func insert(ctx context.Context, url string, id int) error {
	cfg, err := pgconn.ParseConfig(url)
	if err != nil {
		return err
	}
	conn, err := pgbatch.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	one := conn.Begin()
	one.Add(pgbatch.Statement{Name: "begin", SQL: "BEGIN"}, nil)
	one.Add(pgbatch.Statement{Name: "insert", SQL: "INSERT INTO own.thing AS t (id) SELECT $1::int4"}, nil, pgbatch.Int4Param(int32(id)))
	if err := one.Run(ctx); err != nil {
		return err
	}
	two := conn.Begin()
	two.Add(pgbatch.Statement{Name: "look", SQL: "SELECT id FROM own.thing WHERE id = $1"}, nil, pgbatch.Int4Param(int32(id)))
	two.Add(pgbatch.Statement{Name: "commit", SQL: "COMMIT"}, nil)
	return two.Run(ctx)
}

// TestSimpleQuery names statements that are sent as text, beside the answers to
// those that an error skipped.
func TestSimpleQuery(t *testing.T) {
	ctx := limited(t)
	proxy, url := through(t, wire.Postgres, stacktest.Embedded(t).PostgresURL)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	ping := proxy.Arm(wire.Point{Message: "-- ping", Side: wire.After}, wire.Delay(time.Millisecond))
	if err := conn.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	must(t, ping)
	armed := proxy.Arm(wire.Point{Message: "SELECT pg_try_advisory_lock", Side: wire.After}, wire.Lose())
	if _, err := conn.Exec(ctx, "SELECT nonsense; SELECT 1", pgx.QueryExecModeSimpleProtocol); err == nil {
		t.Error("nonsense was selected")
	}
	var n int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_class WHERE oid = $1", 1).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if armed.Fired() {
		t.Fatal("the point fired at another statement")
	}
	if _, err := conn.Exec(ctx, "SELECT pg_try_advisory_lock($1)", 7); err == nil {
		t.Error("a lost reply came")
	}
	must(t, armed)
}
