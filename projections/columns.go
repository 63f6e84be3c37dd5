package projections

import "github.com/badgestream/badgestream/projections/pgbatch"

// partRows is how many rows one statement takes. A batch has up to a hundred
// thousand, and the buffers for all of them at once would be most of the
// process's memory.
const partRows = 4_000

// parts cuts n rows into parts, for pgbatch.Pipe.AddParts. fill makes the
// parameters of the rows from, up to to.
func parts(n int, fill func(from, to int) [][]byte) func() [][]byte {
	next := 0
	return func() [][]byte {
		if next == n {
			return nil
		}
		from := next
		next = min(n, from+partRows)
		return fill(from, next)
	}
}

// start begins the columns with their types.
func start(cols []pgbatch.Column, types ...uint32) {
	for i := range cols {
		cols[i].Start(types[i])
	}
}

func params(cols []pgbatch.Column) [][]byte {
	p := make([][]byte, len(cols))
	for i := range cols {
		p[i] = cols[i].Param()
	}
	return p
}

// columnRow adds a row's fields to columns, one after the other.
type columnRow struct {
	cols []pgbatch.Column
	next int
}

func (r *columnRow) column() *pgbatch.Column {
	r.next++
	return &r.cols[r.next-1]
}

func (r *columnRow) AddInt8(v int64)  { r.column().AddInt8(v) }
func (r *columnRow) AddInt4(v int32)  { r.column().AddInt4(v) }
func (r *columnRow) AddInt2(v int16)  { r.column().AddInt2(v) }
func (r *columnRow) AddTime(us int64) { r.column().AddTime(us) }
func (r *columnRow) Null()            { r.column().Null() }
