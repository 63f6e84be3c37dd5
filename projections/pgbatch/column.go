package pgbatch

import "encoding/binary"

// The object ids of the types that a Column may hold, as in pg_type.
const (
	Bool        uint32 = 16
	Bytea       uint32 = 17
	Int8        uint32 = 20
	Int2        uint32 = 21
	Int4        uint32 = 23
	Text        uint32 = 25
	JSON        uint32 = 114
	UUID        uint32 = 2950
	TimestampTZ uint32 = 1184
)

// arrayHeader is the length of an array's header: dimensions, whether it has
// nulls, element type, length, lower bound.
const arrayHeader = 20

// postgresEpoch is 2000-01-01 in Unix microseconds, from which Postgres counts.
const postgresEpoch = 946_684_800_000_000

// Column is one array parameter in Postgres's binary format, built by hand
// into a buffer that is used again. Start begins it, one call adds one
// element, and Param is what to send; it aliases the buffer. The caller adds
// elements of the type he started it with, which nobody checks but the server.
type Column struct {
	buf []byte
	n   uint32
}

// Start empties the column and says which type its elements have.
func (c *Column) Start(elem uint32) {
	c.n = 0
	c.buf = append(c.buf[:0],
		0, 0, 0, 1,
		0, 0, 0, 0,
		byte(elem>>24), byte(elem>>16), byte(elem>>8), byte(elem),
		0, 0, 0, 0,
		0, 0, 0, 1)
}

// Len is how many elements there are.
func (c *Column) Len() int { return int(c.n) }

// Param is the parameter's value.
func (c *Column) Param() []byte {
	binary.BigEndian.PutUint32(c.buf[12:], c.n)
	return c.buf
}

// Null adds a NULL.
func (c *Column) Null() {
	c.buf[7] = 1
	c.buf = append(c.buf, 0xff, 0xff, 0xff, 0xff)
	c.n++
}

// AddInt8 adds a bigint.
func (c *Column) AddInt8(v int64) {
	c.buf = append(c.buf, 0, 0, 0, 8,
		byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	c.n++
}

// AddInt4 adds an int.
func (c *Column) AddInt4(v int32) {
	c.buf = append(c.buf, 0, 0, 0, 4, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	c.n++
}

// AddInt2 adds a smallint.
func (c *Column) AddInt2(v int16) {
	c.buf = append(c.buf, 0, 0, 0, 2, byte(v>>8), byte(v))
	c.n++
}

// AddBool adds a boolean.
func (c *Column) AddBool(v bool) {
	b := byte(0)
	if v {
		b = 1
	}
	c.buf = append(c.buf, 0, 0, 0, 1, b)
	c.n++
}

// AddText adds a text.
func (c *Column) AddText(v string) {
	c.buf = append(binary.BigEndian.AppendUint32(c.buf, uint32(len(v))), v...)
	c.n++
}

// AddBytes adds a bytea, or a text or uuid whose bytes are at hand.
func (c *Column) AddBytes(v []byte) {
	c.buf = append(binary.BigEndian.AppendUint32(c.buf, uint32(len(v))), v...)
	c.n++
}

// AddTime adds a timestamptz, given in Unix microseconds.
func (c *Column) AddTime(us int64) { c.AddInt8(us - postgresEpoch) }

// Int8Param is a single bigint parameter.
func Int8Param(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

// Int4Param is a single int parameter.
func Int4Param(v int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

// TimeParam is a single timestamptz parameter, given in Unix microseconds.
func TimeParam(us int64) []byte { return Int8Param(us - postgresEpoch) }
