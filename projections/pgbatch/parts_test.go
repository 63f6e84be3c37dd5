package pgbatch

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// numbersInParts gives the numbers from 0, n of them in each of the parts, all
// built in one column.
func numbersInParts(parts, n int64) func() [][]byte {
	var column Column
	next := int64(0)
	return func() [][]byte {
		if next == parts*n {
			return nil
		}
		column.Start(Int8)
		for range n {
			column.AddInt8(next)
			next++
		}
		return [][]byte{column.Param()}
	}
}

// TestParts sends statements in parts, each part larger than what a connection
// holds that nobody reads: all answers come, in order, and the statements
// beside them stay where they stand.
func TestParts(t *testing.T) {
	c := connect(t)
	const parts, rows = 7, 50_000
	stmt := Statement{"numbers", `SELECT n, repeat('x', 20) FROM unnest($1::bigint[]) n`}
	var got []int64
	take := func(v [][]byte) error { got = append(got, ReadInt8(v[0])); return nil }
	p := c.Begin()
	p.Add(Statement{"begin", `BEGIN`}, nil)
	p.AddParts(stmt, take, numbersInParts(parts, rows))
	p.AddParts(stmt, take, numbersInParts(1, 3))
	p.Add(Statement{"commit", `COMMIT`}, nil)
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(got) != parts*rows+3 {
		t.Fatalf("%d rows", len(got))
	}
	for i, n := range got[:parts*rows] {
		if n != int64(i) {
			t.Fatalf("row %d is %d", i, n)
		}
	}
	if p.Finished() != 4 || p.Affected(1) != rows || p.Affected(2) != 3 || p.Tag(3) != "COMMIT" {
		t.Errorf("%d finished, the parts affected %d and %d rows, the last statement is %s", p.Finished(), p.Affected(1), p.Affected(2), p.Tag(3))
	}
}

// TestPartFails refuses a part in the middle: the statement is not finished,
// and what follows is not done.
func TestPartFails(t *testing.T) {
	c := connect(t)
	p := c.Begin()
	p.Add(Statement{"begin", `BEGIN`}, nil)
	p.AddParts(Statement{"divide", `SELECT 1 / (n - 25) FROM unnest($1::bigint[]) n`}, nil, numbersInParts(5, 10))
	p.Add(Statement{"commit", `COMMIT`}, nil)
	err := p.Run(t.Context())
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "22012" || !strings.Contains(err.Error(), "divide") {
		t.Errorf("the error is %v", err)
	}
	if p.Finished() != 1 {
		t.Errorf("%d statements finished", p.Finished())
	}
}
