package wire_test

import (
	"context"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/faults/wire"
	"github.com/jackc/pgx/v5"
)

// TestCutStallRefuse does to all connections what a network can.
func TestCutStallRefuse(t *testing.T) {
	ctx := limited(t)
	proxy, url := through(t, wire.Postgres, stacktest.Embedded(t).PostgresURL)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	release := proxy.Stall()
	answered := make(chan error, 1)
	go func() { answered <- conn.Ping(ctx) }()
	select {
	case err := <-answered:
		t.Errorf("an answer while nothing passes: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	release()
	if err := <-answered; err != nil {
		t.Errorf("after the stall: %v", err)
	}
	proxy.Cut()
	if conn.Ping(ctx) == nil {
		t.Error("a connection that was cut answers")
	}
	proxy.Refuse(true)
	if conn, err := pgx.Connect(ctx, url); err == nil {
		t.Error("a refused connection was made")
		conn.Close(ctx)
	}
	proxy.Refuse(false)
	if conn, err = pgx.Connect(ctx, url); err != nil {
		t.Fatal(err)
	}
	conn.Close(ctx)
}

// TestLateRequest holds a request until its client is gone: it still reaches
// the server, as one does that was on its way.
func TestLateRequest(t *testing.T) {
	ctx := limited(t)
	stack := stacktest.Embedded(t)
	direct, err := pgx.Connect(ctx, stack.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close(ctx)
	if _, err := direct.Exec(ctx, "CREATE TABLE thing (id int)"); err != nil {
		t.Fatal(err)
	}
	proxy, url := through(t, wire.Postgres, stack.PostgresURL)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	armed := proxy.Arm(wire.Point{Message: "INSERT thing"}, wire.Then(func() { <-gone }, wire.Delay(20*time.Millisecond)))
	sending, giveUp := context.WithCancel(ctx)
	go func() {
		<-armed.Met()
		giveUp()
	}()
	if _, err := conn.Exec(sending, "INSERT INTO thing VALUES (1)", pgx.QueryExecModeSimpleProtocol); err == nil {
		t.Error("an insert was answered that is still held")
	}
	conn.Close(ctx)
	close(gone)
	proxy.Drained(ctx)
	var n int
	if err := direct.QueryRow(ctx, "SELECT count(*) FROM thing").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows: %v", n, err)
	}
}
