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
	stmt Statement
	// part makes the parameters of the next part, nil after the last.
	part func() [][]byte
	row  Row
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
	p.AddParts(stmt, row, once(params))
}

// AddParts appends a statement that runs once for each part of its rows: part
// makes the parameters of the next, nil after the last; there must be one. A
// part is sent while the server works on the one before, and its buffers can
// be used again for the next, so that any number of rows needs the memory of a
// few. All parts together count as one statement.
func (p *Pipe) AddParts(stmt Statement, row Row, part func() [][]byte) {
	p.queued = append(p.queued, queued{stmt, part, row})
}

func once(params [][]byte) func() [][]byte {
	if params == nil {
		params = [][]byte{}
	}
	return func() [][]byte {
		now := params
		params = nil
		return now
	}
}

// Len is how many statements there are.
func (p *Pipe) Len() int { return len(p.queued) }

// Affected is how many rows the i-th statement touched, of one in parts the
// last part, once Run has returned; -1 if it did not get so far.
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

// ahead is how many parts of a statement are sent beyond the one whose answer
// is awaited: the server then has one to begin with at once.
const ahead = 1

// exchange sends the statements and takes their answers: all at once, but for
// those in parts.
func (p *Pipe) exchange(line *pgconn.Pipeline) error {
	awaited := make([]int, 0, len(p.queued)+ahead) // what was sent, in order
	for i := range p.queued {
		q := &p.queued[i]
		for n := 0; ; n++ {
			params := q.part()
			if params == nil {
				break
			}
			p.conn.send(line, p.conn.prepared[q.stmt.SQL], params)
			if awaited = append(awaited, i); n == 0 {
				continue
			}
			if err := line.Flush(); err != nil {
				return errors.Wrapf(err, "send %s", q.stmt.Name)
			}
			for len(awaited) > 1+ahead {
				if err := p.receive(line, awaited[0]); err != nil {
					return err
				}
				awaited = awaited[1:]
			}
		}
	}
	if err := line.Flush(); err != nil {
		return errors.Wrapf(err, "send %s", p.queued[0].stmt.Name)
	}
	for _, i := range awaited {
		if err := p.receive(line, i); err != nil {
			return err
		}
	}
	return nil
}

// receive takes the answer to the i-th statement, or to one part of it.
func (p *Pipe) receive(line *pgconn.Pipeline, i int) error {
	q := &p.queued[i]
	tag, err := answer(line, q.row)
	if len(p.results) > i { // an earlier part has answered
		p.results = p.results[:i]
	}
	if err != nil {
		return errors.Wrap(err, q.stmt.Name)
	}
	p.results = append(p.results, tag)
	return nil
}

func answer(line *pgconn.Pipeline, row Row) (tag pgconn.CommandTag, err error) {
	got, err := line.GetResults()
	if err != nil {
		return tag, err
	}
	rows, ok := got.(*pgconn.ResultReader)
	if !ok {
		return tag, errors.AssertionFailedf("Postgres answered with %T", got)
	}
	for rows.NextRow() {
		if row == nil {
			continue
		}
		if err := row(rows.Values()); err != nil {
			return tag, err
		}
	}
	if tag, err = rows.Close(); err != nil {
		return tag, err
	}
	if got, err = line.GetResults(); err != nil {
		return tag, err
	}
	if _, ok := got.(*pgconn.PipelineSync); !ok {
		err = errors.AssertionFailedf("Postgres answered with %T where it had ended", got)
	}
	return tag, err
}
