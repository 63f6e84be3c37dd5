package pgbatch

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/cockroachdb/errors"
)

// Copy is rows for a COPY … FROM STDIN (FORMAT binary), built by hand in memory
// that is used again. Start begins it, Row begins a row, then one call adds each of its fields, of the columns' types, which
// nobody checks but the server.
type Copy struct {
	buf    []byte
	rows   int
	fields int
}

// copyHeader is the signature, no flags, no extension.
const copyHeader = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// Start empties it and says how many fields a row has. Its memory is used again.
func (c *Copy) Start(fields int) {
	c.buf, c.rows, c.fields = append(c.buf[:0], copyHeader...), 0, fields
}

// Rows is how many rows were begun.
func (c *Copy) Rows() int { return c.rows }

// Size is how many bytes there are.
func (c *Copy) Size() int { return len(c.buf) }

// Row begins a row.
func (c *Copy) Row() {
	c.rows++
	c.buf = append(c.buf, byte(c.fields>>8), byte(c.fields))
}

// Null adds a NULL.
func (c *Copy) Null() { c.buf = append(c.buf, 0xff, 0xff, 0xff, 0xff) }

// AddInt8 adds a bigint.
func (c *Copy) AddInt8(v int64) {
	c.buf = append(c.buf, 0, 0, 0, 8,
		byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

// AddInt4 adds an int.
func (c *Copy) AddInt4(v int32) {
	c.buf = append(c.buf, 0, 0, 0, 4, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

// AddInt2 adds a smallint.
func (c *Copy) AddInt2(v int16) { c.buf = append(c.buf, 0, 0, 0, 2, byte(v>>8), byte(v)) }

// AddBool adds a boolean.
func (c *Copy) AddBool(v bool) {
	b := byte(0)
	if v {
		b = 1
	}
	c.buf = append(c.buf, 0, 0, 0, 1, b)
}

// AddText adds a text.
func (c *Copy) AddText(v string) {
	c.buf = append(binary.BigEndian.AppendUint32(c.buf, uint32(len(v))), v...)
}

// AddBytes adds a text, a json or a bytea whose bytes are at hand.
func (c *Copy) AddBytes(v []byte) {
	c.buf = append(binary.BigEndian.AppendUint32(c.buf, uint32(len(v))), v...)
}

// AddTime adds a timestamptz, given in Unix microseconds.
func (c *Copy) AddTime(us int64) { c.AddInt8(us - postgresEpoch) }

// AddArray adds an array that a Column holds.
func (c *Copy) AddArray(v *Column) { c.AddBytes(v.Param()) }

// Copy sends rows to a COPY statement. After an error the connection is of no
// more use but to be closed.
func (c *Conn) Copy(ctx context.Context, stmt Statement, rows *Copy) error {
	rows.buf = append(rows.buf, 0xff, 0xff) // the end
	tag, err := c.pg.CopyFrom(ctx, bytes.NewReader(rows.buf), stmt.SQL)
	if err != nil {
		return errors.Wrap(err, stmt.Name)
	}
	if n := tag.RowsAffected(); n != int64(rows.rows) {
		return errors.AssertionFailedf("%s: Postgres was given %d rows and took %d", stmt.Name, rows.rows, n)
	}
	return nil
}
