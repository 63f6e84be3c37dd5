package projections

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgconn"
)

// bulkWriter sends to Postgres while the next is folded: what it is given, in
// order, in one transaction until the next commit. After an error it sends
// nothing more.
type bulkWriter struct {
	conn *pgbatch.Conn
	jobs chan queuedJob
	done chan struct{}
	open bool // a transaction is
	// spare is what rows were written in before.
	spare chan *pgbatch.Copy

	mu  sync.Mutex
	err error
}

type bulkJob func(context.Context, *pgbatch.Conn) error

// queuedJob is a job, or somebody who waits for those before.
type queuedJob struct {
	job     bulkJob
	reached chan struct{}
}

// bulkAhead is how many jobs wait at most, of about bulkRows rows each.
const (
	bulkAhead = 4
	bulkRows  = 8_000
)

func newBulkWriter(ctx context.Context, cfg *pgconn.Config) (*bulkWriter, error) {
	conn, err := pgbatch.Connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	w := &bulkWriter{conn: conn, jobs: make(chan queuedJob, bulkAhead), done: make(chan struct{}), spare: make(chan *pgbatch.Copy, bulkAhead+2)}
	go func() {
		defer close(w.done)
		for q := range w.jobs {
			if q.job == nil {
				close(q.reached)
				continue
			}
			if w.failed() != nil {
				continue
			}
			if err := w.do(ctx, q.job); err != nil {
				w.mu.Lock()
				w.err = err
				w.mu.Unlock()
			}
		}
	}()
	return w, nil
}

func (w *bulkWriter) do(ctx context.Context, job bulkJob) error {
	ctx, cancel := context.WithTimeout(ctx, foldTime)
	defer cancel()
	if !w.open {
		if err := w.conn.Exec(ctx, `BEGIN ISOLATION LEVEL READ COMMITTED`); err != nil {
			return err
		}
		w.open = true
	}
	return job(ctx, w.conn)
}

func (w *bulkWriter) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// send gives the writer a job. The error is one of an earlier job.
func (w *bulkWriter) send(job bulkJob) error {
	if err := w.failed(); err != nil {
		return err
	}
	w.jobs <- queuedJob{job: job}
	return nil
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
	return w.send(func(ctx context.Context, conn *pgbatch.Conn) error {
		err := conn.Copy(ctx, stmt, rows)
		select {
		case w.spare <- rows:
		default:
		}
		return err
	})
}

// run gives the writer a statement with its parameters, which are its own.
func (w *bulkWriter) run(stmt pgbatch.Statement, params ...[]byte) error {
	return w.send(func(ctx context.Context, conn *pgbatch.Conn) error {
		pipe := conn.Begin()
		pipe.Add(stmt, nil, params...)
		return pipe.Run(ctx)
	})
}

// settle waits until all jobs are done.
func (w *bulkWriter) settle(ctx context.Context) error {
	reached := make(chan struct{})
	w.jobs <- queuedJob{reached: reached}
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
	w.mu.Unlock()
	close(w.jobs)
	<-w.done
	return errors.Wrap(w.conn.Close(ctx), "close the writing connection")
}

func sortRows[R any, P keyedRow[R]](list []P) {
	slices.SortFunc(list, func(a, b P) int {
		x, y := a.rowKey(), b.rowKey()
		return cmp.Or(cmp.Compare(x.user, y.user), cmp.Compare(x.row, y.row))
	})
}

func sortUsers(list []*bulkUser) {
	slices.SortFunc(list, func(a, b *bulkUser) int { return strings.Compare(a.id, b.id) })
}
