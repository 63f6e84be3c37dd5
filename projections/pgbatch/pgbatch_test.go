package pgbatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/jackc/pgx/v5/pgconn"
)

func connect(t testing.TB) *Conn { return connectTo(t, stacktest.Embedded(t).PostgresURL) }

func connectTo(t testing.TB, url string) *Conn {
	t.Helper()
	cfg, err := pgconn.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// TestValuesArriveAsTheyAre sends columns of every type, with NULLs and
// extremes, and has Postgres say in words what it received.
func TestValuesArriveAsTheyAre(t *testing.T) {
	c := connect(t)
	var cols [8]Column
	for i, elem := range []uint32{Int8, Int4, Int2, Text, Bytea, Bool, TimestampTZ, UUID} {
		cols[i].Start(elem)
	}
	add := func(n int64, text string, yes bool, at time.Time, id [16]byte) {
		cols[0].AddInt8(n)
		cols[1].AddInt4(int32(n))
		cols[2].AddInt2(int16(n))
		cols[3].AddText(text)
		cols[4].AddBytes([]byte(text))
		cols[5].AddBool(yes)
		cols[6].AddTime(at.UnixMicro())
		cols[7].AddBytes(id[:])
	}
	add(-1<<63, "", true, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), [16]byte{})
	add(-1, "é{},\"\\ NULL", false, time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), [16]byte{0xab, 15: 0xcd})
	for i := range cols {
		cols[i].Null()
	}
	params := make([][]byte, len(cols))
	for i := range cols {
		params[i] = cols[i].Param()
		if cols[i].Len() != 3 {
			t.Errorf("column %d has %d elements", i, cols[i].Len())
		}
	}
	var got []string
	say := Statement{"say", `SELECT concat_ws('|', coalesce(a::text, '-'), coalesce(b::text, '-'), coalesce(c::text, '-'), coalesce(d, '-'), coalesce(e::text, '-'),
coalesce(f::text, '-'), coalesce((g AT TIME ZONE 'UTC')::text, '-'), coalesce(h::text, '-')), a, b, c, d, e, f, g, a IS NULL
FROM unnest($1::bigint[], $2::int[], $3::smallint[], $4::text[], $5::bytea[], $6::boolean[], $7::timestamptz[], $8::uuid[]) x (a, b, c, d, e, f, g, h)`}
	var back []string
	p := c.Begin()
	p.Add(say, func(v [][]byte) error {
		got = append(got, string(v[0]))
		if ReadBool(v[8]) {
			for i := 1; i < 8; i++ {
				if v[i] != nil {
					t.Errorf("NULL %d came back as %x", i, v[i])
				}
			}
			return nil
		}
		back = append(back, fmt.Sprintf("%d %d %d %q %q %t %d", ReadInt8(v[1]), ReadInt4(v[2]), ReadInt2(v[3]), string(v[4]), string(v[5]), ReadBool(v[6]), ReadTime(v[7])))
		return nil
	}, params...)
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`-9223372036854775808|0|0||\x|true|0001-01-01 00:00:00|00000000-0000-0000-0000-000000000000`,
		`-1|-1|-1|é{},"\ NULL|\xc3a97b7d2c225c204e554c4c|false|9999-12-31 23:59:59.999999|ab000000-0000-0000-0000-0000000000cd`,
		`-|-|-|-|-|-|-|-`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("Postgres received\n%s", strings.Join(got, "\n"))
	}
	wantBack := []string{`-9223372036854775808 0 0 "" "" true -62135596800000000`, `-1 -1 -1 "é{},\"\\ NULL" "é{},\"\\ NULL" false 253402300799999999`}
	if strings.Join(back, "\n") != strings.Join(wantBack, "\n") {
		t.Errorf("came back\n%s", strings.Join(back, "\n"))
	}
	// A column can be used again, also for another type and for nothing.
	cols[0].Start(Text)
	p = c.Begin()
	p.Add(Statement{"count", `SELECT cardinality($1::text[])::bigint`}, func(v [][]byte) error {
		if ReadInt8(v[0]) != 0 {
			t.Errorf("%d elements in an empty column", ReadInt8(v[0]))
		}
		return nil
	}, cols[0].Param())
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestArrays reads arrays of results.
func TestArrays(t *testing.T) {
	c := connect(t)
	p := c.Begin()
	p.Add(Statement{"arrays", `SELECT '{3,-4}'::smallint[], '{}'::smallint[], NULL::smallint[], '{{1},{2}}'::smallint[], '{1,NULL}'::smallint[]`}, func(v [][]byte) error {
		a, err := ReadArray(v[0])
		if err != nil || a.Len() != 2 {
			t.Fatalf("%d elements, %v", a.Len(), err)
		}
		if x, y := ReadInt2(a.Next()), ReadInt2(a.Next()); x != 3 || y != -4 || a.Len() != 0 {
			t.Errorf("read %d and %d", x, y)
		}
		for _, i := range []int{1, 2} {
			if a, err := ReadArray(v[i]); err != nil || a.Len() != 0 {
				t.Errorf("empty array %d: %d elements, %v", i, a.Len(), err)
			}
		}
		for _, i := range []int{3, 4} {
			if _, err := ReadArray(v[i]); err == nil {
				t.Errorf("array %d is not plain, and was read", i)
			}
		}
		return nil
	})
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestErrorsNameTheStatement and end the transaction.
func TestErrorsNameTheStatement(t *testing.T) {
	begin, commit := Statement{"begin", "BEGIN"}, Statement{"commit", "COMMIT"}
	for name, c := range map[string]struct {
		stmt     Statement
		code     string
		finished int
	}{
		"refused at once":       {Statement{"divide", `SELECT 1/(random()*0)::int`}, "22012", 1},
		"refused after rows":    {Statement{"divide", `SELECT 1/(3-i) FROM generate_series(1,5) i`}, "22012", 1},
		"not a statement":       {Statement{"divide", `SELECT FROM nowhere`}, "42P01", 0},
		"refused by its reader": {Statement{"divide", `SELECT 7::bigint`}, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			conn := connect(t)
			own := errors.New("seven")
			p := conn.Begin()
			p.Add(begin, nil)
			p.Add(c.stmt, func([][]byte) error {
				if c.code == "" {
					return own
				}
				return nil
			})
			p.Add(commit, nil)
			err := p.Run(t.Context())
			var pg *pgconn.PgError
			if err == nil || !strings.Contains(err.Error(), "divide") || errors.As(err, &pg) && pg.Code != c.code || c.code == "" && !errors.Is(err, own) {
				t.Errorf("the error is %v", err)
			}
			if p.Finished() != c.finished || p.Affected(2) != -1 {
				t.Errorf("%d statements finished", p.Finished())
			}
		})
	}
}

// TestEachStatementLooksAfresh runs two statements in one round trip, between
// which another session commits: the second sees it.
func TestEachStatementLooksAfresh(t *testing.T) {
	url := stacktest.Embedded(t).PostgresURL
	c, other := connectTo(t, url), connectTo(t, url)
	for _, sql := range []string{`CREATE TABLE x (n int)`, `SELECT pg_advisory_lock(1)`} {
		if err := other.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	count := int64(-1)
	p := c.Begin()
	p.Add(Statement{"begin", `BEGIN ISOLATION LEVEL READ COMMITTED`}, nil)
	p.Add(Statement{"wait", `SELECT pg_advisory_lock(1), (SELECT count(*) FROM x)`}, nil)
	p.Add(Statement{"look", `SELECT count(*) FROM x`}, func(v [][]byte) error { count = ReadInt8(v[0]); return nil })
	p.Add(Statement{"commit", `COMMIT`}, nil)
	if err := c.Prepare(t.Context(), p.queued[0].stmt, p.queued[1].stmt, p.queued[2].stmt, p.queued[3].stmt); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.Run(t.Context()) }()
	for waits := false; !waits; {
		ask := other.Begin()
		ask.Add(Statement{"waits", `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)`}, func(v [][]byte) error { waits = ReadBool(v[0]); return nil })
		if err := ask.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, sql := range []string{`INSERT INTO x VALUES (1)`, `SELECT pg_advisory_unlock(1)`} {
		if err := other.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; err != nil || count != 1 {
		t.Errorf("the second statement saw %d rows: %v", count, err)
	}
}

// BenchmarkColumn builds a column of 20,000 numbers.
func BenchmarkColumn(b *testing.B) {
	var c Column
	b.ReportAllocs()
	for b.Loop() {
		c.Start(Int8)
		for i := range int64(20_000) {
			c.AddInt8(i)
		}
		_ = c.Param()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20_000, "ns/value")
}

// BenchmarkUpsert upserts 20,000 rows and reads their answers.
func BenchmarkUpsert(b *testing.B) {
	c := connect(b)
	if err := c.Exec(b.Context(), `CREATE TABLE x (id text COLLATE "C" PRIMARY KEY, n bigint NOT NULL) WITH (fillfactor = 75)`); err != nil {
		b.Fatal(err)
	}
	upsert := Statement{"upsert", `INSERT INTO x AS t SELECT * FROM unnest($1::text[], $2::bigint[]) ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n RETURNING n`}
	const rows = 20_000
	ids := make([]string, rows)
	for i := range ids {
		ids[i] = fmt.Sprintf("user-%06d", i)
	}
	var id, n Column
	var sum int64
	b.ReportAllocs()
	for b.Loop() {
		id.Start(Text)
		n.Start(Int8)
		for i := range ids {
			id.AddText(ids[i])
			n.AddInt8(1)
		}
		p := c.Begin()
		p.Add(upsert, func(v [][]byte) error { sum += ReadInt8(v[0]); return nil }, id.Param(), n.Param())
		if err := p.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}
