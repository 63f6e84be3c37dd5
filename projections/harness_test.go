package projections

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// server gives the test an empty database.
func server(t testing.TB) string { return stacktest.Embedded(t).PostgresURL }

func load(t testing.TB, name string) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func parse(t testing.TB, text string) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// world is one group with its catalogue installed.
type world struct {
	*Store
	t   testing.TB
	url string
	cat *catalog.Catalog
	in  Installed
}

// newWorld makes a group in the database, with topics' partitions seeded at 0.
func newWorld(t testing.TB, url, group string, cat *catalog.Catalog, partitions int) *world {
	t.Helper()
	ctx := t.Context()
	s, err := Open(ctx, url, group)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	in, err := s.InstallCatalog(ctx, cat)
	if err != nil {
		t.Fatal(err)
	}
	// One secret for all, so that rows of different groups can be compared.
	in.Secret = Secret{'t', 'e', 's', 't'}
	if _, err := s.pool.Exec(ctx, `UPDATE `+schema(group)+`.regime SET secret = $1`, in.Secret); err != nil {
		t.Fatal(err)
	}
	var seeds []Standing
	for p := range partitions {
		seeds = append(seeds, Standing{TopicPartition: TopicPartition{"activity", int32(p)}})
	}
	if _, _, err := s.Seed(ctx, seeds); err != nil {
		t.Fatal(err)
	}
	return &world{s, t, url, cat, in}
}

func (w *world) folder() *Folder {
	f := w.NewFolder(w.in, w.cat, "test")
	w.t.Cleanup(func() { _ = f.Close(context.Background()) })
	return f
}

// exec runs SQL in which BASE and GEN are the group's schemas.
func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), w.sql(sql), args...); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) sql(sql string) string {
	return strings.NewReplacer("BASE.", schema(w.group)+".", "GEN.", generationSchema(w.group, w.in.Generation)+".").Replace(sql)
}

// text runs a query and joins its rows.
func (w *world) text(sql string, args ...any) string {
	w.t.Helper()
	rows, err := w.pool.Query(w.t.Context(), w.sql(sql), args...)
	if err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			w.t.Fatal(err)
		}
		fmt.Fprintln(&b, values...)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return b.String()
}

// state is every row that the fold makes but for what says how batches lay:
// the rows' states before, and wall time.
func (w *world) state() string {
	w.t.Helper()
	var b strings.Builder
	for _, q := range []string{
		`SELECT 'user', to_jsonb(u)::text FROM GEN.users u ORDER BY id`,
		`SELECT 'member', (to_jsonb(m) - 'prev' - 'prev_at')::text FROM GEN.member m ORDER BY user_key, row_key`,
		`SELECT 'entity', (to_jsonb(e) - 'prev')::text FROM GEN.entity e ORDER BY user_key, row_key`,
		`SELECT 'place', (to_jsonb(p) - 'prev')::text FROM GEN.place p ORDER BY collection`,
		`SELECT 'clock', to_jsonb(c)::text FROM GEN.clock c`,
		`SELECT 'offset', (to_jsonb(o) - 'seeded_at')::text FROM BASE.fold_offset o ORDER BY topic, partition`,
		`SELECT 'history', (to_jsonb(h) - 'recorded_at')::text FROM BASE.history h ORDER BY topic, partition, "offset", ordinal`,
		`SELECT 'reject', (to_jsonb(r) - 'recorded_at')::text FROM BASE.reject r ORDER BY topic, partition, "offset"`,
	} {
		b.WriteString(w.text(q))
	}
	return b.String()
}

// same fails the test with the first line that differs.
func same(t testing.TB, what, want, got string) {
	t.Helper()
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			t.Fatalf("%s, line %d of %d and %d:\n  want %s\n  got  %s", what, i+1, len(a), len(b), x, y)
		}
	}
}

// event is one record of a test's log.
type event struct {
	schemas.Event
	reject bool // a record that is no event
}

// partition is one partition of a test's log; the index is the offset.
type partition struct {
	number int32
	events []event
	window *processor.Window
}

func (p *partition) source(offset int64) processor.Source {
	ev := &p.events[offset]
	return processor.Source{Topic: "activity", Partition: p.number, Offset: offset, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
}

// fill adds the records of a range to the work, up to a tick.
func (p *partition) fill(t testing.TB, w *Work, from, to int64) (next int64) {
	t.Helper()
	for next = from; next < to; next++ {
		ev := &p.events[next]
		if ev.reject {
			w.Rejects = append(w.Rejects, Reject{TopicPartition: TopicPartition{"activity", p.number}, Offset: next,
				Reason: schemas.ReasonMalformed, Detail: "a test", Value: []byte(ev.ID)})
			continue
		}
		if ev.Type == schemas.TickType {
			break
		}
		if _, err := w.Batch.Add(&ev.Event, p.source(next), p.window); err != nil {
			t.Fatalf("%s: %v", ev.Type, err)
		}
	}
	w.Ranges = append(w.Ranges, Range{TopicPartition{"activity", p.number}, Position{Offset: from}, Position{Offset: next}})
	return next
}
