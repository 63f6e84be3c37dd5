package projections

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
	"github.com/jackc/pgx/v5"
)

// gate makes every transaction that is about to draw its number wait while
// somebody has the gate shut: with all its locks, and none but the number to
// come.
func (w *world) gate() {
	w.t.Helper()
	w.exec(`CREATE FUNCTION BASE.gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(hashtext(TG_TABLE_SCHEMA), 0); RETURN NULL; END $$`)
	w.exec(`CREATE TRIGGER gate BEFORE INSERT ON BASE.ledger FOR EACH STATEMENT EXECUTE FUNCTION BASE.gate()`)
}

// stop shuts the gate until the returned function is called.
func (w *world) stop() (release func()) {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { closeQuietly(conn) })
	if _, err := conn.Exec(w.t.Context(), `SELECT pg_advisory_lock(hashtext($1), 0)`, w.group); err != nil {
		w.t.Fatal(err)
	}
	return func() {
		w.t.Helper()
		if _, err := conn.Exec(w.t.Context(), `SELECT pg_advisory_unlock(hashtext($1), 0)`, w.group); err != nil {
			w.t.Fatal(err)
		}
	}
}

// blocks waits until one session waits for a lock of another. Sessions go by
// their application's name; "" is any.
func (w *world) blocks(holder, waiter string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	for {
		var yes bool
		err := w.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity w JOIN pg_stat_activity h ON h.pid = ANY(pg_blocking_pids(w.pid))
WHERE w.datname = current_database() AND w.application_name = $1 AND ($2 = '' OR h.application_name = $2))`, waiter, holder).Scan(&yes)
		if err != nil {
			w.t.Fatalf("%q never waited for a lock of %q: %v\n%s", waiter, holder, err,
				w.text(`SELECT application_name, state, wait_event, pg_blocking_pids(pid)::text, left(query, 60) FROM pg_stat_activity WHERE datname = current_database()`))
		}
		if yes {
			return
		}
	}
}

// folding is a fold that runs in the background.
type folding struct {
	t    testing.TB
	done chan struct{}
	out  *Outcome
	to   Position // of a tick's step
	err  error
}

func (f *folding) wait() *Outcome {
	f.t.Helper()
	<-f.done
	if f.err != nil {
		f.t.Fatal(f.err)
	}
	return f.out
}

// act is one event of a test.
type act struct {
	kind, subject, data string
	at                  int64
}

// start folds events of one partition from an offset on, in the background,
// under a name.
func (w *world) start(name string, partition int32, from int64, acts ...act) *folding {
	w.t.Helper()
	f := w.NewFolder(w.in, w.cat, name)
	w.t.Cleanup(func() { _ = f.Close(context.Background()) })
	work := w.works(partition, from, acts...)
	running := &folding{t: w.t, done: make(chan struct{})}
	go func() {
		defer close(running.done)
		running.out, running.err = f.Fold(w.t.Context(), work)
	}()
	return running
}

func (w *world) works(partition int32, from int64, acts ...act) *Work {
	w.t.Helper()
	p := TopicPartition{"activity", partition}
	work := &Work{Batch: processor.New(w.cat), Reason: schemas.ReasonActivity,
		Ranges: []Range{{p, Position{Offset: from}, Position{Offset: from + int64(len(acts))}}}}
	window := processor.NewWindow(100)
	for i, a := range acts {
		ev := &schemas.Event{ID: fmt.Sprintf("%d-%d", partition, from+int64(i)), Source: "/test", Type: a.kind, Subject: a.subject, Time: a.at, HasTime: true, Data: []byte(a.data)}
		src := processor.Source{Topic: p.Topic, Partition: partition, Offset: from + int64(i), ID: ev.ID, Origin: ev.Source, Time: a.at}
		if _, err := work.Batch.Add(ev, src, window); err != nil {
			w.t.Fatal(err)
		}
	}
	return work
}

// tick folds a whole tick in the background, in steps of a size.
func (w *world) tick(name string, partition int32, offset, at int64, limit int) *folding {
	w.t.Helper()
	f := w.NewFolder(w.in, w.cat, name)
	w.t.Cleanup(func() { _ = f.Close(context.Background()) })
	running := &folding{t: w.t, done: make(chan struct{})}
	go func() {
		defer close(running.done)
		running.out = &Outcome{}
		src := processor.Source{Topic: "activity", Partition: partition, Offset: offset, ID: "tick", Origin: "/test", Time: at}
		for from, done := (Position{Offset: offset}), false; !done; {
			var out *Outcome
			out, done, from, running.err = f.FoldTick(w.t.Context(), &TickWork{Batch: processor.New(w.cat), Source: src, From: from, Limit: limit, Reason: schemas.ReasonActivity})
			if running.err != nil {
				return
			}
			running.out.History = append(running.out.History, out.History...)
			running.out.Ledger = append(running.out.Ledger, out.Ledger...)
		}
	}()
	return running
}
