package pgbatch

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCopiedValuesArriveAsTheyAre copies rows of every type, with NULLs and
// extremes, in memory that was used before, and has Postgres say in words what
// it received.
func TestCopiedValuesArriveAsTheyAre(t *testing.T) {
	c := connect(t)
	if err := c.Exec(t.Context(), `CREATE TEMPORARY TABLE copied (n bigint, i int, s smallint, yes boolean, text text, bytes bytea, at timestamptz, list smallint[])`); err != nil {
		t.Fatal(err)
	}
	var list Column
	var rows Copy
	for _, n := range []int64{-1 << 63, 1<<63 - 1} {
		rows.Start(8)
		list.Start(Int2)
		list.AddInt2(int16(n))
		list.AddInt2(7)
		rows.Row()
		rows.AddInt8(n)
		rows.AddInt4(int32(n))
		rows.AddInt2(int16(n))
		rows.AddBool(n > 0)
		rows.AddText("é\\N\t")
		rows.AddBytes([]byte{0, 0xff})
		rows.AddTime(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
		rows.AddArray(&list)
		rows.Row()
		for range 8 {
			rows.Null()
		}
		if err := c.Copy(t.Context(), Statement{"copied", `COPY copied FROM STDIN (FORMAT binary)`}, &rows); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	p := c.Begin()
	p.Add(Statement{"say", `SELECT concat_ws('|', n, i, s, yes, text, bytes, at AT TIME ZONE 'UTC', list::text) FROM copied ORDER BY n NULLS LAST`}, func(v [][]byte) error {
		got = append(got, fmt.Sprintf("%q", v[0]))
		return nil
	})
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`"-9223372036854775808|0|0|f|é\\N\t|\\x00ff|0001-01-01 00:00:00|{0,7}"`,
		`"9223372036854775807|-1|-1|t|é\\N\t|\\x00ff|0001-01-01 00:00:00|{-1,7}"`,
		`""`, `""`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("Postgres received\n%s", strings.Join(got, "\n"))
	}
}
