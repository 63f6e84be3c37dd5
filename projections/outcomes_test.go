package projections

import (
	"fmt"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
)

// every is each state that a row may have, and each outcome.
var (
	everyState   = []int32{processor.Dead, processor.Absent, 1, 2, 1<<31 - 17}
	everyAbsent  = []int32{processor.Absent, processor.Dead, 1, 3, 1<<31 - 17}
	everyPresent = []int32{processor.Absent, processor.Dead, processor.Keep, 1, 3, 1<<31 - 17}
)

// missingRow stands for a row that is not there yet: absent as well.
const missingRow int32 = -100

// collection finds a collection of a catalogue.
func collection(t testing.TB, cat *catalog.Catalog, is func(*catalog.Collection) bool) int16 {
	t.Helper()
	for i := range cat.Collections {
		if is(&cat.Collections[i]) {
			return int16(i)
		}
	}
	t.Fatal("the catalogue has no such collection")
	return -1
}

// begin opens a folder's connection and a transaction on it, for tests that
// run its statements one by one.
func (w *world) begin() *Folder {
	w.t.Helper()
	f := w.folder()
	if err := f.connect(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	f.run1(w.t, f.stmts.begin, nil)
	return f
}

func (f *Folder) run1(t testing.TB, stmt pgbatch.Statement, row pgbatch.Row, params ...[]byte) {
	t.Helper()
	pipe := f.conn.Begin()
	pipe.Add(stmt, row, params...)
	if err := pipe.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestOutcomesAreNext gives the statements every outcome for every state that
// a row may have, and compares what they answer and leave with processor.Next.
func TestOutcomesAreNext(t *testing.T) {
	t.Parallel()
	cat := load(t, "stride")
	w := newWorld(t, server(t), "outcomes", cat, 0)
	plain := collection(t, cat, func(c *catalog.Collection) bool { return c.Kind == catalog.Members && !c.ByTime })
	entity := collection(t, cat, func(c *catalog.Collection) bool { return c.Kind == catalog.Entities })
	var members []processor.MemberOp
	var entities []processor.EntityOp
	var before, after []int32
	var keys []string
	for _, state := range append([]int32{missingRow}, everyState...) {
		for _, absent := range everyAbsent {
			for _, present := range everyPresent {
				key := fmt.Sprintf("k%03d", len(before))
				keys = append(keys, key)
				next := processor.Next{IfAbsent: absent, IfPresent: present}
				was := state
				if state == missingRow {
					was = processor.Absent
				} else {
					w.exec(`INSERT INTO GEN.member (user_key, row_key, collection, state, prev) SELECT *, $1, $3, -1 FROM BASE.row_key('u', $1, '', $2)`, plain, key, state)
					w.exec(`INSERT INTO GEN.entity (user_key, row_key, collection, state, prev, s0, s1, s2, s3) SELECT *, $1, $3, -1, 1, 2, 3, 4 FROM BASE.row_key('u', $1, $2, '')`, entity, key, state)
				}
				members = append(members, processor.MemberOp{MemberKey: processor.MemberKey{User: "u", Collection: plain, Member: key}, Next: next})
				entities = append(entities, processor.EntityOp{EntityKey: processor.EntityKey{User: "u", Collection: entity, Entity: key}, Next: next, Add: [4]int64{10, 20, 30, -40}})
				before, after = append(before, was), append(after, next.After(was))
			}
		}
	}
	f := w.begin()
	pipe := f.conn.Begin()
	done := f.addMembers(pipe, members)
	if err := pipe.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	rows, err := f.entityStage(t.Context(), entities)
	if err != nil {
		t.Fatal(err)
	}
	f.run1(t, f.stmts.commit, nil)
	for i := range before {
		if got := f.answers.members[i].State; got != before[i] {
			t.Errorf("member %+v of state %d: answered %d", members[i].Next, before[i], got)
		}
		if got := rows[i].Prior; got != before[i] {
			t.Errorf("entity %+v of state %d: answered %d", entities[i].Next, before[i], got)
		}
	}
	var want string
	for _, state := range after {
		want += fmt.Sprintln(state)
	}
	same(t, "members afterwards", want, w.text(`SELECT state FROM `+stored(`member`, `row_key('u', $2, '', key)`), keys, plain))
	same(t, "entities afterwards", want, w.text(`SELECT state FROM `+stored(`entity`, `row_key('u', $2, key, '')`), keys, entity))
	inserted := len(everyAbsent) * len(everyPresent)
	same(t, "sums", fmt.Sprintln(inserted, 10)+fmt.Sprintln(len(before)-inserted, 11),
		w.text(`SELECT count(*), s0 FROM GEN.entity GROUP BY s0 ORDER BY s0`))
}

// stored is the rows of a table with the keys of $1, in their order. find makes
// a row's key of its column key.
func stored(table, find string) string {
	return `unnest($1::text[]) WITH ORDINALITY x (key, n), BASE.` + find + ` k JOIN GEN.` + table + ` r ON (r.user_key, r.row_key) = (k.user_key, k.row_key) ORDER BY n`
}

// TestOutcomesByTime does the same for collections in which the later event
// stays, for earlier, equal and later times, and compares with the rule.
func TestOutcomesByTime(t *testing.T) {
	t.Parallel()
	cat := load(t, "stride")
	w := newWorld(t, server(t), "by-time", cat, 0)
	timed := collection(t, cat, func(c *catalog.Collection) bool { return c.ByTime })
	const row = int64(1_700_000_000_000_000)
	var ops []processor.MemberOp
	var want []processor.MemberPrior
	var left string
	var keys []string
	for _, state := range append([]int32{missingRow}, everyState...) {
		for _, absent := range everyAbsent {
			for _, present := range everyPresent {
				for _, at := range []int64{row - 1, row, row + 1, -62_135_596_800_000_000} {
					key := fmt.Sprintf("k%04d", len(ops))
					keys = append(keys, key)
					next := processor.Next{IfAbsent: absent, IfPresent: present}
					ops = append(ops, processor.MemberOp{MemberKey: processor.MemberKey{User: "u", Collection: timed, Member: key}, Next: next, At: at})
					if state == missingRow {
						want = append(want, processor.MemberPrior{State: processor.Absent, At: processor.NoTime})
						left += fmt.Sprintln(next.IfAbsent, at)
						continue
					}
					w.exec(`INSERT INTO GEN.member (user_key, row_key, collection, state, prev, at) SELECT *, $1, $3, -1, 'epoch'::timestamptz + $4 * interval '1 microsecond' FROM BASE.row_key('u', $1, '', $2)`, timed, key, state, row)
					want = append(want, processor.MemberPrior{State: state, At: row})
					if at < row {
						left += fmt.Sprintln(state, row)
					} else {
						left += fmt.Sprintln(next.After(state), at)
					}
				}
			}
		}
	}
	f := w.begin()
	pipe := f.conn.Begin()
	done := f.addMembers(pipe, ops)
	if err := pipe.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	f.run1(t, f.stmts.commit, nil)
	for i := range want {
		if got := f.answers.members[i]; got != want[i] {
			t.Errorf("%+v at %d: answered %+v, not %+v", ops[i].Next, ops[i].At, got, want[i])
		}
	}
	same(t, "rows afterwards", left, w.text(`SELECT state, (extract(epoch FROM at) * 1000000)::bigint FROM `+stored(`member`, `row_key('u', $2, '', key)`), keys, timed))
}

// TestAnswersKeepTheOrder upserts 50,000 members, half of them there already
// in another order, and compares each answer with its row.
func TestAnswersKeepTheOrder(t *testing.T) {
	t.Parallel()
	const n = 50_000
	cat := load(t, "stride")
	plain := collection(t, cat, func(c *catalog.Collection) bool { return c.Kind == catalog.Members && !c.ByTime })
	w := newWorld(t, server(t), "order", cat, 0)
	w.exec(`INSERT INTO GEN.member (user_key, row_key, collection, state, prev)
SELECT k.user_key, k.row_key, $1, i, 0 FROM generate_series(2, 50000, 2) i, BASE.row_key('u' || lpad(i::text, 6, '0'), $1, '', 'm') k ORDER BY hashint4(i)`, plain)
	ops := make([]processor.MemberOp, n)
	for i := range ops {
		ops[i] = processor.MemberOp{MemberKey: processor.MemberKey{User: fmt.Sprintf("u%06d", i+1), Collection: plain, Member: "m"}, Next: processor.Next{IfAbsent: 7, IfPresent: 9}}
	}
	f := w.begin()
	for round := range 2 {
		pipe := f.conn.Begin()
		done := f.addMembers(pipe, ops)
		if err := pipe.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := done(); err != nil {
			t.Fatal(err)
		}
		for i, got := range f.answers.members {
			want := int32(0)
			switch {
			case i%2 == 1 && round == 0:
				want = int32(i + 1)
			case i%2 == 1:
				want = 9
			case round == 1:
				want = 7
			}
			if got.State != want {
				t.Fatalf("round %d, row %d: answered %d, not %d", round, i, got.State, want)
			}
		}
	}
}
