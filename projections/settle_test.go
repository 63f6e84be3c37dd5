package projections

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/badgestream/badgestream/processor"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

var points = act{"stride.points.earned", "u1", `{"points":150}`, noon}

// via is the same group, reached through a proxy.
func (w *world) via(t testing.TB) (*proxy, *Folder) {
	t.Helper()
	p, address := newProxy(t, w.url)
	s, err := Open(t.Context(), address, w.group)
	if err != nil {
		t.Fatal(err)
	}
	f := s.NewFolder(w.in, w.cat, "folder")
	t.Cleanup(func() {
		_ = f.Close(context.Background())
		s.Close()
	})
	return p, f
}

// folded are the points that are counted, and the ledger's ranges.
func (w *world) folded() string {
	return w.text(`SELECT points, version FROM GEN.users`) + w.text(`SELECT from_offset, to_offset FROM BASE.ledger ORDER BY number`)
}

// finish forwards COMMIT to the server, and waits until it has done all.
func finish(server net.Conn, frames []byte, gone <-chan struct{}) {
	// What the server makes of it is what the test asks.
	_, _ = server.Write(frames)
	_ = server.(*net.TCPConn).CloseWrite()
	<-gone
}

// shutdown is what Postgres says to its sessions when it is stopped.
var shutdown = pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "57P01", Message: "terminating connection due to administrator command"}

// TestLostAnswerIsSettled loses the connection around COMMIT, in every way,
// and checks that the folder says what really happened.
func TestLostAnswerIsSettled(t *testing.T) {
	t.Parallel()
	cat, address := load(t, "stride"), server(t)
	for name, c := range map[string]struct {
		cut       func(w *world) cut
		committed bool
	}{
		"cut before": {func(*world) cut {
			return func(client, server net.Conn, _ []byte, _ <-chan struct{}) { client.Close() }
		}, false},
		"answer lost": {func(w *world) cut {
			return func(client, server net.Conn, frames []byte, gone <-chan struct{}) {
				client.Close()
				finish(server, frames, gone)
			}
		}, true},
		"arrives late": {func(w *world) cut {
			return func(client, server net.Conn, frames []byte, gone <-chan struct{}) {
				// COMMIT reaches the server only when the folder already waits to
				// hear what became of it.
				client.Close()
				w.blocks("folder", "folder")
				finish(server, frames, gone)
			}
		}, true},
		"never arrives": {func(w *world) cut {
			return func(client, server net.Conn, frames []byte, gone <-chan struct{}) {
				// The server's session stays, with its locks, until it is too idle.
				client.Close()
				<-gone
			}
		}, false},
		"farewell": {func(*world) cut {
			return func(client, server net.Conn, frames []byte, gone <-chan struct{}) {
				// What ends a session can come in the place of COMMIT's answer.
				if text, err := shutdown.Encode(nil); err == nil {
					_, _ = client.Write(text)
				}
				client.Close()
				finish(server, frames, gone)
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, address, name, cat, 1)
			p, f := w.via(t)
			does := c.cut(w)
			p.cut.Store(&does)
			work := w.works(0, 0, points)
			out, err := f.Fold(t.Context(), work)
			if !c.committed {
				if !errors.Is(err, ErrNotCommitted) {
					t.Fatalf("the error is %v", err)
				}
				same(t, "after the loss", "", w.folded())
				if out, err = f.Fold(t.Context(), work); err != nil {
					t.Fatalf("folding the same work again: %v", err)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Ledger) != 1 || len(out.History) != 1 || len(out.Finals) != 1 || out.Finals[0].Version != 1 {
				t.Errorf("the outcome is %+v", out)
			}
			same(t, "in the end", "150 1\n0 1\n", w.folded())
			same(t, "the ledger's number", w.text(`SELECT number FROM BASE.ledger`), w.text(`SELECT $1::bigint`, out.Ledger[0].Number))
			if _, err := f.Fold(t.Context(), w.works(0, 1, act{"stride.points.spent", "u1", `{"points":1}`, noon})); err != nil {
				t.Errorf("the next fold: %v", err)
			}
		})
	}
}

// TestOtherFoldedTheSame loses COMMIT, while another process folds the same
// range: the folder must not take the other's transaction for its own.
func TestOtherFoldedTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "other", load(t, "stride"), 1)
	p, f := w.via(t)
	other, folded := w.folder(), make(chan struct{})
	var does cut = func(client, server net.Conn, _ []byte, _ <-chan struct{}) {
		server.Close()
		if _, err := other.Fold(t.Context(), w.works(0, 0, points)); err != nil {
			t.Error(err)
		}
		close(folded)
		client.Close()
	}
	p.cut.Store(&does)
	work := w.works(0, 0, points)
	if _, err := f.Fold(t.Context(), work); !errors.Is(err, ErrNotCommitted) {
		t.Fatalf("the error is %v", err)
	}
	<-folded
	if _, err := f.Fold(t.Context(), work); !errors.Is(err, ErrStale) {
		t.Fatalf("folding it again: %v", err)
	}
	same(t, "in the end", "150 1\n0 1\n", w.folded())
}

// TestStoppedAtCommit ends the context while COMMIT is under way: it counts
// what Postgres did, not what was hoped for.
func TestStoppedAtCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "stopped", load(t, "stride"), 1)
	w.gate()
	release := w.stop()
	ctx, stop := context.WithCancel(t.Context())
	f := w.NewFolder(w.in, w.cat, "folder")
	t.Cleanup(func() { _ = f.Close(context.Background()) })
	done := make(chan error, 1)
	go func() {
		_, err := f.Fold(ctx, w.works(0, 0, points))
		done <- err
	}()
	w.blocks("", "folder")
	stop()
	release()
	err := <-done
	switch folded := w.folded(); {
	case err == nil:
		same(t, "after it said that it committed", "150 1\n0 1\n", folded)
	case errors.Is(err, ErrNotCommitted):
		same(t, "after it said that it did not", "", folded)
	default:
		t.Fatal(err)
	}
}

// TestStaleWorkChangesNothing folds from where the partition does not stand.
func TestStaleWorkChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "stale", load(t, "stride"), 2)
	f := w.folder()
	for offset := range int64(2) {
		if _, err := f.Fold(t.Context(), w.works(0, offset, points)); err != nil {
			t.Fatal(err)
		}
	}
	before := w.state()
	for _, from := range []int64{0, 1, 3} {
		work := w.works(0, from, points)
		work.Ranges = append(work.Ranges, Range{TopicPartition{"activity", 1}, Position{}, Position{Offset: 1}})
		if _, err := f.Fold(t.Context(), work); !errors.Is(err, ErrStale) {
			t.Errorf("from %d: %v", from, err)
		}
		src := processor.Source{Topic: "activity", Offset: from, ID: "tick", Time: noon}
		if _, _, _, err := f.FoldTick(t.Context(), &TickWork{Batch: processor.New(w.cat), Source: src, From: Position{Offset: from}, Limit: 1}); !errors.Is(err, ErrStale) {
			t.Errorf("a tick at %d: %v", from, err)
		}
	}
	same(t, "after stale work", before, w.state())
	if _, err := f.Fold(t.Context(), w.works(0, 2, points)); err != nil {
		t.Errorf("the next fold: %v", err)
	}
}

// TestDeadlockIsRetried makes a fold the victim of a deadlock: it is folded
// again, with what it learnt the first time forgotten.
func TestDeadlockIsRetried(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "deadlock", load(t, "stride"), 1)
	w.exec(`INSERT INTO GEN.users (id, version, points) VALUES ('u1', 1, 10), ('u2', 1, 10)`)
	other, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback(context.Background())
	ask := func(sql string) {
		t.Helper()
		if _, err := other.Exec(t.Context(), w.sql(sql)); err != nil {
			t.Fatal(err)
		}
	}
	ask(`SET LOCAL deadlock_timeout = '1min'`)
	ask(`UPDATE GEN.users SET points = points + 95 WHERE id = 'u2'`)
	running := w.start("victim", 0, 0, act{"stride.points.spent", "u1", `{"points":1}`, noon}, act{"stride.points.earned", "u2", `{"points":1}`, noon})
	w.blocks("", "victim")
	ask(`UPDATE GEN.users SET points = points + 90 WHERE id = 'u1'`)
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := running.wait()
	// u1 went from 100 to 99 and u2 from 105 to 106. Their rows came to these
	// numbers behind the fold's back, so that no badge is held that could go.
	if out.Attempts != 2 || len(out.History) != 0 {
		t.Errorf("the outcome is %+v", out)
	}
	same(t, "points", "99\n106\n", w.text(`SELECT points FROM GEN.users ORDER BY id`))
}

// TestLockWaitIsBounded checks that a fold does not wait for ever for a row: it is
// the wait for the lock that ends it, and nothing that ends any fold.
func TestLockWaitIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "locked", load(t, "stride"), 1)
	other, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback(context.Background())
	if _, err := other.Exec(t.Context(), w.sql(`SELECT FROM BASE.fold_offset FOR UPDATE`)); err != nil {
		t.Fatal(err)
	}
	_, err = w.folder().Fold(t.Context(), w.works(0, 0, points))
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "55P03" { // lock_not_available
		t.Fatalf("a fold that waits for a row: %v", err)
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "after a fold that gave up", "", w.folded())
}

// counted counts what is sent: one write is one round trip.
type countedConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countedConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// TestRoundTrips folds four events and then ten thousand: beside the parts into
// which the rows of a statement are cut, nothing takes another round trip.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "trips", load(t, "stride"), 1)
	f := w.folder()
	var writes atomic.Int64
	dial := f.cfg.DialFunc
	f.cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return countedConn{conn, &writes}, err
	}
	offset := int64(0)
	fold := func(n int) int64 {
		t.Helper()
		var acts []act
		for i := range n {
			user := fmt.Sprint("u", i)
			acts = append(acts, act{"stride.route.starred", user, `{"route":"x","owner":"u2","stars":3}`, noon},
				act{"stride.runner.upgraded", user, `{}`, noon})
		}
		before := writes.Load()
		if _, err := f.Fold(t.Context(), w.works(0, offset, acts...)); err != nil {
			t.Fatal(err)
		}
		offset += int64(len(acts))
		return writes.Load() - before
	}
	fold(1)              // connects
	const statements = 5 // that are cut into parts, none of more than ten thousand rows here
	if small, large := fold(2), fold(5000); small != 5 || large > 5+statements*(10_000/partRows) {
		t.Errorf("%d round trips for four events, %d for ten thousand", small, large)
	}
}
