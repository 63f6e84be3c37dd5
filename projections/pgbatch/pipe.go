package pgbatch

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgconn"
)

// Row takes one result row. The values live until it returns; NULL is nil.
type Row func(values [][]byte) error

// Pipe is the statements of one round trip. The server runs them one after
// another, each with a fresh look at the data. It is for use within a
// transaction: after an error, the server refuses all that follows and makes
// of a COMMIT a rollback.
type Pipe struct {
	conn    *Conn
	queued  []queued
	results []pgconn.CommandTag
}

type queued struct {
	stmt   Statement
	params [][]byte
	row    Row
}

// Begin starts an empty pipe. There is one at a time per connection.
func (c *Conn) Begin() *Pipe {
	c.pipe.conn = c
	clear(c.pipe.queued)
	c.pipe.queued, c.pipe.results = c.pipe.queued[:0], c.pipe.results[:0]
	return &c.pipe
}

// Add appends a statement. Its parameters must live until Run returns; row
// may be nil if the statement gives no rows that matter.
func (p *Pipe) Add(stmt Statement, row Row, params ...[]byte) {
	p.queued = append(p.queued, queued{stmt, params, row})
}

// Len is how many statements there are.
func (p *Pipe) Len() int { return len(p.queued) }

// Affected is how many rows the i-th statement touched, once Run has
// returned; -1 if it did not get so far.
func (p *Pipe) Affected(i int) int64 {
	if i >= len(p.results) {
		return -1
	}
	return p.results[i].RowsAffected()
}

// Finished is how many of the statements were answered without an error.
func (p *Pipe) Finished() int { return len(p.results) }

// Tag is what the server said that the i-th statement did, such as COMMIT.
func (p *Pipe) Tag(i int) string { return p.results[i].String() }

// Run sends all statements at once and waits for all answers. The error names
// the statement that failed; it wraps a *pgconn.PgError if the server refused
// it. After an error the connection is of no more use but to be closed.
func (p *Pipe) Run(ctx context.Context) error {
	if len(p.queued) == 0 {
		return nil
	}
	for i := range p.queued {
		if p.conn.prepared[p.queued[i].stmt.SQL] == nil {
			if err := p.conn.Prepare(ctx, p.queued[i].stmt); err != nil {
				return err
			}
		}
	}
	line := p.conn.pg.StartPipeline(ctx)
	err := p.exchange(line)
	if closed := line.Close(); err == nil && closed != nil {
		err = errors.Wrapf(closed, "%s", p.queued[len(p.queued)-1].stmt.Name)
	}
	return err
}

func (p *Pipe) exchange(line *pgconn.Pipeline) error {
	binary := []int16{1} // the format of every parameter and result
	for i := range p.queued {
		q := &p.queued[i]
		line.SendQueryStatement(p.conn.prepared[q.stmt.SQL], q.params, binary, binary)
		// Postgres's limit on idle transactions runs from one sync to the next
		// message. With one at the end alone, a client that hangs while it sends
		// would keep its locks for as long as it hangs.
		line.SendPipelineSync()
	}
	if err := line.Flush(); err != nil {
		return errors.Wrapf(err, "send %s", p.queued[0].stmt.Name)
	}
	for i := range p.queued {
		if err := p.receive(line, &p.queued[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pipe) receive(line *pgconn.Pipeline, q *queued) error {
	got, err := line.GetResults()
	if err != nil {
		return errors.Wrap(err, q.stmt.Name)
	}
	rows, ok := got.(*pgconn.ResultReader)
	if !ok {
		return errors.AssertionFailedf("%s: Postgres answered with %T", q.stmt.Name, got)
	}
	for rows.NextRow() {
		if q.row == nil {
			continue
		}
		if err := q.row(rows.Values()); err != nil {
			return errors.Wrap(err, q.stmt.Name)
		}
	}
	tag, err := rows.Close()
	if err != nil {
		return errors.Wrap(err, q.stmt.Name)
	}
	p.results = append(p.results, tag)
	if got, err = line.GetResults(); err != nil {
		return errors.Wrap(err, q.stmt.Name)
	}
	if _, ok := got.(*pgconn.PipelineSync); !ok {
		return errors.AssertionFailedf("%s: Postgres answered with %T where it had ended", q.stmt.Name, got)
	}
	return nil
}
