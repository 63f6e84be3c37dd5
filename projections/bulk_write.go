package projections

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgconn"
)

// bulkWriter sends to Postgres while the next is folded: what it is given, in
// order, in one transaction until the next commit. After an error it sends
// nothing more.
type bulkWriter struct {
	conn *pgbatch.Conn
	done chan struct{}
	stop context.CancelFunc // ends whatever is done
	open bool               // a transaction is
	// spare is what rows were written in before.
	spare chan *pgbatch.Copy

	mu      sync.Mutex
	changed sync.Cond // what follows is other than it was
	jobs    []queuedJob
	waiting int // bytes of the jobs, and of the one that is done
	closed  bool
	err     error
}

type bulkJob func(context.Context, *pgbatch.Conn) error

// queuedJob is a job and its size, or somebody who waits for those before, or both.
type queuedJob struct {
	job     bulkJob
	bytes   int
	limit   time.Duration // of its time; 0 is none
	reached chan struct{}
}

const (
	// bulkRows is about how many rows a job has.
	bulkRows = 8_000
	// bulkAhead is how many bytes of jobs wait at most: a commit gives many at
	// once, and the next is folded while they are written.
	bulkAhead = 48 << 20
	// bulkSpare is how many buffers are kept to be used again, of at most bulkSpareBytes.
	bulkSpare      = 32
	bulkSpareBytes = 1 << 20
)

func newBulkWriter(ctx context.Context, cfg *pgconn.Config) (*bulkWriter, error) {
	conn, err := pgbatch.Connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	// What is stopped may commit what it has: close ends what is done.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &bulkWriter{conn: conn, done: make(chan struct{}), stop: stop, spare: make(chan *pgbatch.Copy, bulkSpare)}
	w.changed.L = &w.mu
	go func() {
		defer close(w.done)
		for q, ok := w.next(); ok; q, ok = w.next() {
			var err error
			if q.job != nil && w.failed() == nil {
				err = w.do(ctx, q)
			}
			w.finished(q, err)
			if q.reached != nil {
				close(q.reached)
			}
		}
	}()
	return w, nil
}

// next waits for a job; ok is false once there will be no more.
func (w *bulkWriter) next() (q queuedJob, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.jobs) == 0 && !w.closed {
		w.changed.Wait()
	}
	if len(w.jobs) == 0 {
		return queuedJob{}, false
	}
	q = w.jobs[0]
	w.jobs[0] = queuedJob{}
	w.jobs = w.jobs[1:]
	return q, true
}

func (w *bulkWriter) finished(q queuedJob, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting -= q.bytes
	if w.err == nil {
		w.err = err
	}
	w.changed.Broadcast()
}

func (w *bulkWriter) queue(q queuedJob) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.waiting > 0 && w.waiting+q.bytes > bulkAhead {
		w.changed.Wait()
	}
	w.waiting += q.bytes
	w.jobs = append(w.jobs, q)
	w.changed.Broadcast()
}

func (w *bulkWriter) do(ctx context.Context, q queuedJob) error {
	if q.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.limit)
		defer cancel()
	}
	if !w.open {
		if err := w.conn.Exec(ctx, `BEGIN ISOLATION LEVEL READ COMMITTED`); err != nil {
			return err
		}
		w.open = true
	}
	return q.job(ctx, w.conn)
}

func (w *bulkWriter) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// send gives the writer a job of so many bytes. The error is one of an earlier
// job.
func (w *bulkWriter) send(bytes int, job bulkJob) error {
	if err := w.failed(); err != nil {
		return err
	}
	w.queue(queuedJob{job: job, bytes: bytes, limit: foldTime})
	return nil
}

// first has a job done before those that wait, and returns what is closed then.
func (w *bulkWriter) first(q queuedJob) <-chan struct{} {
	reached := make(chan struct{})
	q.reached = reached
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs = slices.Insert(w.jobs, 0, q)
	w.changed.Broadcast()
	return reached
}

// rows makes room for rows of so many fields.
func (w *bulkWriter) rows(fields int) *pgbatch.Copy {
	var rows *pgbatch.Copy
	select {
	case rows = <-w.spare:
	default:
		rows = &pgbatch.Copy{}
	}
	rows.Start(fields)
	return rows
}

// copy gives the writer rows that are new; they are its own from there on.
func (w *bulkWriter) copy(stmt pgbatch.Statement, rows *pgbatch.Copy) error {
	return w.send(rows.Size(), func(ctx context.Context, conn *pgbatch.Conn) error {
		err := conn.Copy(ctx, stmt, rows)
		if rows.Size() <= bulkSpareBytes {
			select {
			case w.spare <- rows:
			default:
			}
		}
		return err
	})
}

// run gives the writer a statement with its parameters, which are its own.
func (w *bulkWriter) run(stmt pgbatch.Statement, params ...[]byte) error {
	bytes := 0
	for _, p := range params {
		bytes += len(p)
	}
	return w.send(bytes, func(ctx context.Context, conn *pgbatch.Conn) error {
		pipe := conn.Begin()
		pipe.Add(stmt, nil, params...)
		return pipe.Run(ctx)
	})
}

// reach returns what is closed once all jobs of now are done, or have failed.
func (w *bulkWriter) reach() <-chan struct{} {
	reached := make(chan struct{})
	w.queue(queuedJob{reached: reached})
	return reached
}

// settle waits until all jobs are done.
func (w *bulkWriter) settle(ctx context.Context) error { return w.await(ctx, w.reach()) }

func (w *bulkWriter) await(ctx context.Context, reached <-chan struct{}) error {
	select {
	case <-reached:
		return w.failed()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *bulkWriter) close(ctx context.Context) error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	w.err = errors.CombineErrors(w.err, errors.New("the folder is closed"))
	w.closed = true
	w.changed.Broadcast()
	w.mu.Unlock()
	defer w.stop()
	select {
	case <-w.done:
	case <-ctx.Done():
		w.stop()
		<-w.done
	}
	return errors.Wrap(w.conn.Close(ctx), "close the writing connection")
}

func sortRows[R any, P keyedRow[R]](list []P) {
	slices.SortFunc(list, func(a, b P) int {
		x, y := a.rowKey(), b.rowKey()
		return cmp.Or(cmp.Compare(x.user, y.user), cmp.Compare(x.row, y.row))
	})
}

func sortUsers(list []*bulkUser) {
	slices.SortFunc(list, func(a, b *bulkUser) int { return strings.Compare(a.id(), b.id()) })
}
