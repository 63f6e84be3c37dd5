package pgbatch

import (
	"encoding/binary"

	"github.com/cockroachdb/errors"
)

// ReadInt8 reads a bigint of a result row.
func ReadInt8(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

// ReadInt4 reads an int of a result row.
func ReadInt4(b []byte) int32 { return int32(binary.BigEndian.Uint32(b)) }

// ReadInt2 reads a smallint of a result row.
func ReadInt2(b []byte) int16 { return int16(binary.BigEndian.Uint16(b)) }

// ReadBool reads a boolean of a result row.
func ReadBool(b []byte) bool { return b[0] != 0 }

// ReadTime reads a timestamptz of a result row, as Unix microseconds.
func ReadTime(b []byte) int64 { return ReadInt8(b) + postgresEpoch }

// Array walks the elements of an array of a result row: a plain one, of one
// dimension, whose elements are not NULL. A NULL array has none.
type Array struct {
	rest []byte
	left int
}

// ReadArray begins to read an array.
func ReadArray(b []byte) (Array, error) {
	if b == nil {
		return Array{}, nil
	}
	if len(b) >= 12 && ReadInt4(b) == 0 {
		return Array{}, nil
	}
	if len(b) < arrayHeader || ReadInt4(b) != 1 || ReadInt4(b[4:]) != 0 {
		return Array{}, errors.Newf("an array of one dimension without nulls was expected, its header is %x", b[:min(len(b), arrayHeader)])
	}
	return Array{rest: b[arrayHeader:], left: int(ReadInt4(b[12:]))}, nil
}

// Len is how many elements are left.
func (a *Array) Len() int { return a.left }

// Next takes the next element's bytes. It must not be called when Len is 0.
func (a *Array) Next() []byte {
	n := ReadInt4(a.rest)
	v := a.rest[4 : 4+n]
	a.rest = a.rest[4+n:]
	a.left--
	return v
}
