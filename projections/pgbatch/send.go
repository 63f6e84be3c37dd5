package pgbatch

import (
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// send sends a statement, once the line is flushed.
func (c *Conn) send(line *pgconn.Pipeline, stmt *pgconn.StatementDescription, params [][]byte) {
	size := 64
	for _, p := range params {
		size += 4 + len(p)
	}
	c.pg.Frontend().Send(c.out.room(size))
	binary := []int16{1} // the format of every parameter and result
	line.SendQueryStatement(stmt, params, binary, binary)
	// Postgres's limit on idle transactions runs from one sync to the next
	// message. With one at the end alone, a client that hangs while it sends
	// would keep its locks for as long as it hangs.
	line.SendPipelineSync()
}

// outgoing is the memory in which messages wait for the flush. The client's own
// begins with 1 KiB after each flush, and is copied a dozen times until it holds
// the rows of a part: that made 29 % of all garbage of a drain. Memory that was
// flushed is written, so that it can be used again.
//
// It goes to the client as a message of no bytes: what follows is appended to
// what the message before left.
type outgoing struct {
	buf  []byte
	more int
}

var _ pgproto3.FrontendMessage = (*outgoing)(nil)

// room makes the message that gives room for so many bytes more.
func (o *outgoing) room(more int) *outgoing {
	o.more = more
	return o
}

// Encode moves what waits into the memory, which may be there already.
func (o *outgoing) Encode(waits []byte) ([]byte, error) {
	o.buf = append(slices.Grow(o.buf[:0], len(waits)+o.more), waits...)
	return o.buf, nil
}

// Decode is there for the interface: nobody sends such a message.
func (o *outgoing) Decode([]byte) error { return nil }

// Frontend says who sends it.
func (o *outgoing) Frontend() {}
