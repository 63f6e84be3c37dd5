// Package pgbatch sends batches of rows to Postgres in the cheapest way that
// there is: prepared statements, several in one round trip, whole columns as
// binary arrays built by hand, and results handed out as raw bytes. It knows
// no table.
package pgbatch

import (
	"context"
	"strconv"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgconn"
)

// Conn is one connection with the statements prepared on it. It is used by
// one goroutine.
type Conn struct {
	pg       *pgconn.PgConn
	prepared map[string]*pgconn.StatementDescription // by SQL text
	pipe     Pipe
	out      outgoing
}

// Statement is a piece of SQL with the name under which errors speak of it.
type Statement struct {
	Name string
	SQL  string
}

// Connect opens a connection.
func Connect(ctx context.Context, cfg *pgconn.Config) (*Conn, error) {
	pg, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Conn{pg: pg, prepared: map[string]*pgconn.StatementDescription{}}, nil
}

// Close ends the connection; what it had not committed is rolled back.
func (c *Conn) Close(ctx context.Context) error { return c.pg.Close(ctx) }

// PID is the server process that answers.
func (c *Conn) PID() uint32 { return c.pg.PID() }

// Exec runs plain SQL that has no parameters and whose results nobody wants.
func (c *Conn) Exec(ctx context.Context, sql string) error {
	_, err := c.pg.Exec(ctx, sql).ReadAll()
	return errors.Wrapf(err, "%s", sql)
}

// Prepare prepares the statements that are not prepared yet, all in one round
// trip.
func (c *Conn) Prepare(ctx context.Context, stmts ...Statement) error {
	var missing []Statement
	for _, s := range stmts {
		if c.prepared[s.SQL] == nil {
			missing = append(missing, s)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	p := c.pg.StartPipeline(ctx)
	first := len(c.prepared)
	for i, s := range missing {
		p.SendPrepare(statementName(first+i), s.SQL, nil)
	}
	err := c.describe(p, missing, first)
	if closed := p.Close(); err == nil && closed != nil {
		err = errors.Wrap(closed, "prepare statements")
	}
	return err
}

func statementName(n int) string { return "s" + strconv.Itoa(n) }

func (c *Conn) describe(p *pgconn.Pipeline, stmts []Statement, first int) error {
	if err := p.Sync(); err != nil {
		return errors.Wrap(err, "prepare statements")
	}
	for i, s := range stmts {
		got, err := p.GetResults()
		if err != nil {
			return errors.Wrapf(err, "prepare %s: %s", s.Name, s.SQL)
		}
		sd, ok := got.(*pgconn.StatementDescription)
		if !ok {
			return errors.AssertionFailedf("prepare %s: Postgres answered with %T", s.Name, got)
		}
		sd.Name = statementName(first + i)
		c.prepared[s.SQL] = sd
	}
	return nil
}
