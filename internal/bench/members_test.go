package bench

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

func TestMembers(t *testing.T) {
	b := on(t, stacktest.Embedded(t))
	t.Cleanup(func() { sweepAll(t, b) })
	b.Members = 3_000
	var r Result
	if err := measureMembers(t.Context(), b, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Figures) == 0 {
		t.Fatal("there are no figures")
	}
	f := r.Figures[0]
	if f.Measure != "members" || f.With != "3,000 rows" || f.Value <= 0 || f.Base == nil || *f.Base <= 0 || len(f.Rounds) != 1 || len(f.BaseRounds) != 1 {
		t.Errorf("the first figure is %+v", f)
	}
}

// sweepAll removes what a benchmark made.
func sweepAll(t *testing.T, b *bench) {
	t.Helper()
	if err := b.Servers.sweep(context.WithoutCancel(t.Context()), b.prefix); err != nil {
		t.Error(err)
	}
}

// TestMemberRows asks Postgres what the rows are, and wants the engine to do
// the same with them as without.
func TestMemberRows(t *testing.T) {
	b := on(t, stacktest.Embedded(t))
	b.Workload.Partitions = 1 // with several, what is awarded depends on how they interleave
	l, err := b.log(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sweepAll(t, b) })
	const rows = 4_000
	among := b.engineAmong(rows, "full", l.whole, 1)
	fill := among.prepare
	among.prepare = func(ctx context.Context) error {
		if err := fill(ctx); err != nil {
			return err
		}
		return lookAtMembers(ctx, t, b, b.group("full", 1), rows)
	}
	full, err := b.turn(t.Context(), among, 1)
	if err != nil {
		t.Fatal(err)
	}
	empty, err := b.turn(t.Context(), b.engine("empty", l.whole, 1), 1)
	if err != nil {
		t.Fatal(err)
	}
	if full.Awarded != empty.Awarded || full.Revoked != empty.Revoked || empty.Awarded == 0 {
		t.Errorf("among rows %d badges were awarded and %d revoked, else %d and %d", full.Awarded, full.Revoked, empty.Awarded, empty.Revoked)
	}
}

func lookAtMembers(ctx context.Context, t *testing.T, b *bench, group string, rows int) error {
	t.Helper()
	conn, err := pgx.Connect(ctx, b.Servers.Postgres)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	acting, err := b.actors()
	if err != nil {
		return err
	}
	table := pgx.Identifier{group + "_g1", "member"}.Sanitize()
	var there, ofUsers, users, others, keys int
	err = conn.QueryRow(ctx, `WITH acting AS (SELECT (`+pgx.Identifier{group, "row_key"}.Sanitize()+`(id, 0::smallint, '', '')).user_key FROM unnest($2::text[]) id)
SELECT count(*), count(a.user_key), count(DISTINCT a.user_key), count(DISTINCT m.user_key) FILTER (WHERE a.user_key IS NULL),
(SELECT count(*) FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'p')
FROM `+table+` m LEFT JOIN acting a USING (user_key)`, table, acting).Scan(&there, &ofUsers, &users, &others, &keys)
	if err != nil {
		return err
	}
	if there != rows || ofUsers < rows*4/10 || ofUsers > rows*6/10 {
		t.Errorf("there are %d rows, %d of them of the workload's users, want %d and about half", there, ofUsers, rows)
	}
	// Of 20 rows for each user and 20 for a neighbour, hardly anybody has none.
	if n := len(acting) * 9 / 10; users < n || others < n {
		t.Errorf("rows are of %d users and %d others, and %d users act", users, others, len(acting))
	}
	if keys != 1 {
		t.Errorf("the table has %d primary keys", keys)
	}
	return nil
}
