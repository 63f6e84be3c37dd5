package bench

import (
	"context"
	"testing"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

func TestStart(t *testing.T)     { t.Parallel(); testStart(t, stacktest.Embedded(t)) }
func TestRealStart(t *testing.T) { t.Parallel(); testStart(t, stacktest.Real(t)) }

func testStart(t *testing.T, stack *stacktest.Stack) {
	b, r := on(t, stack), &Result{}
	b.Members = 1_000
	b.Workers = 1 // see TestFirstFold
	if err := b.starts(t.Context(), r, startPlan{rounds: 2, rate: 500, folds: 3}); err != nil {
		t.Fatal(err)
	}
	found := named(t, r, "start", 4)
	for _, after := range []string{"a stop", "SIGKILL"} {
		middle, longest := found["first fold after "+after+", median"], found["first fold after "+after+", longest"]
		if len(middle.Rounds) != 2 || middle.Value <= 0 || longest.Value < middle.Value || !middle.Lower || longest.Unit != "s" || middle.With != "1,000 rows and 500 events/s" {
			t.Errorf("after %s: %+v and %+v", after, middle, longest)
		}
	}
	nothingLeft(t, b)
}

// TestFirstFold looks at what a start is measured by: a process that runs has
// sessions that are found, and is told from its predecessor.
func TestFirstFold(t *testing.T) {
	t.Parallel()
	b := on(t, stacktest.Embedded(t))
	// A killed worker leaves a transaction open, and its successor ends it. One
	// process may stop before each of several workers has had a successor; kfake
	// then never lets go of the group.
	b.Workers = 1
	l, err := b.goLive(t.Context(), "first", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	people, err := l.history(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), b.Servers.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	folded := func() int64 {
		t.Helper()
		n, err := l.folded(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := folded()
	if before != b.Workload.Events {
		t.Fatalf("%d events are folded, want the %d of the workload", before, b.Workload.Events)
	}
	passing, enough := context.WithCancel(t.Context())
	streamed := make(chan error, 1)
	go func() { streamed <- l.stream(passing, 500, people) }()
	defer func() {
		enough()
		if err := <-streamed; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	p, took, err := l.firstFold(t.Context(), conn, 2)
	if err != nil {
		t.Fatal(err)
	}
	if n := folded(); n < before+2 || took <= 0 {
		t.Errorf("after two folds, the first of them after %s, %d events are folded, before %d", took, n, before)
	}
	sessions, err := l.sessions(t.Context(), conn)
	if err != nil || len(sessions) == 0 {
		t.Errorf("the sessions that fold are %v, %v", sessions, err)
	}
	p.kill()
	inherited, err := l.inherited(t.Context(), conn, sessions)
	if err != nil || inherited != folded() {
		t.Errorf("a dead process leaves %d events folded, %v, and then there are %d", inherited, err, folded())
	}
	if p, _, err = l.firstFold(t.Context(), conn, 1); err != nil {
		t.Fatal(err)
	}
	if n := folded(); n <= inherited {
		t.Errorf("%d events are folded after the successor's first fold, and %d were before", n, inherited)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

// TestLastWordsAreInherited: what a dead process had sent before it died may
// commit after its death, and is not its successor's.
func TestLastWordsAreInherited(t *testing.T) {
	t.Parallel()
	b := on(t, stacktest.Embedded(t))
	l, err := b.goLive(t.Context(), "words", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	conn, err := pgx.Connect(t.Context(), b.Servers.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	dying, err := pgx.Connect(t.Context(), b.Servers.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	defer dying.Close(t.Context())
	for _, sql := range []string{"BEGIN", "UPDATE " + pgx.Identifier{l.group, "fold_offset"}.Sanitize() + " SET next = 7 WHERE partition = 0"} {
		if _, err := dying.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	pids := []int32{int32(dying.PgConn().PID())}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if n, err := l.inherited(short, conn, pids); err == nil {
		t.Errorf("%d events are inherited, while the session is still at work", n)
	}
	if conn.IsClosed() { // the context ended in the midst of a query
		if conn, err = pgx.Connect(t.Context(), b.Servers.Postgres); err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
	}
	if _, err := dying.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := dying.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := l.inherited(t.Context(), conn, pids); n != 7 || err != nil {
		t.Errorf("%d events are inherited, %v, want 7", n, err)
	}
}

func TestStartFigures(t *testing.T) {
	var r Result
	r.starts("a fall", "nothing", []float64{3, 9, 2})
	found := named(t, &r, "start", 2)
	if middle, longest := found["first fold after a fall, median"], found["first fold after a fall, longest"]; middle.Value != 3 || longest.Value != 9 || len(middle.Rounds) != 3 {
		t.Errorf("it is told as %+v and %+v", middle, longest)
	}
}
