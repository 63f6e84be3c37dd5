package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/repair"
	"github.com/badgestream/badgestream/internal/replay"
	"github.com/badgestream/badgestream/projections"
)

// TestReplayAndRepair replays a user and a whole partition into scratch
// generations, changes the user's row by hand, sees that in a replay and
// repairs it.
func TestReplayAndRepair(t *testing.T) {
	stack := stacktest.Embedded(t)
	group := stack.Group("g")
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	global := append(globalFlags(stack), "--partitions", "1")
	do := func(args ...string) answer { return cli(ctx, t, nil, append(args, global...)...) }
	do("init").expect(t, 0, "")
	do("load", "--events", "2000", "--users", "60").expect(t, 0, "")
	do("run", "--drain").expect(t, 0, "")
	conn, err := pgx.Connect(ctx, stack.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	one := func(sql string, args ...any) (text string) {
		t.Helper()
		if err := conn.QueryRow(ctx, sql, args...).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	live := pgx.Identifier{group + "_g1", "users"}.Sanitize()
	user := one(`SELECT id FROM ` + live + ` ORDER BY version DESC LIMIT 1`)

	do("replay").expect(t, exitUsage, "what shall be replayed?")
	do("replay", "--user", user, "--partition", "0").expect(t, exitUsage, "what shall be replayed?")
	do("replay", "--partition", "0", "--from", "5", "--to", "5").expect(t, exitUsage, "A before B")
	do("replay", "--user", "nobody at all").expect(t, exitFailure, "knows anything of user")
	var o replay.OfUser
	do("replay", "--user", user, "--json").reads(t, 0, &o)
	if len(o.Differences)+len(o.Untold) != 0 || o.Records != 2000 || o.Members == 0 {
		t.Errorf("the user replayed: %+v", o)
	}
	scratch := pgx.Identifier{o.Schema, "users"}.Sanitize()
	if mine, theirs := one(`SELECT u::text FROM `+scratch+` u`), one(`SELECT u::text FROM `+live+` u WHERE id = $1`, user); mine != theirs {
		t.Errorf("the scratch row is %s, the live one %s", mine, theirs)
	}
	// The whole partition alone gives the very rows and badges.
	var s replay.OfStretch
	do("replay", "--partition", "0", "--from", "0", "--to", "2000", "--json").reads(t, 0, &s)
	sum := func(badges map[string]int64) (n int64) {
		for _, k := range badges {
			n += k
		}
		return n
	}
	if s.Records != 2000 || s.Events+s.Duplicates+s.Unknown+s.Rejected != 2000 || fmt.Sprint(s.Users) != one(`SELECT count(*)::text FROM `+live) ||
		fmt.Sprint(sum(s.Awarded), sum(s.Revoked)) != one(`SELECT concat(count(*) FILTER (WHERE NOT revoked), ' ', count(*) FILTER (WHERE revoked)) FROM `+pgx.Identifier{group, "history"}.Sanitize()) {
		t.Errorf("the partition replayed: %+v", s)
	}
	all := `SELECT md5(string_agg(u::text, '|' ORDER BY id)) FROM `
	if one(all+pgx.Identifier{s.Schema, "users"}.Sanitize()+" u") != one(all+live+" u") {
		t.Error("the partition gives other rows")
	}
	do("replay", "--partition", "0", "--from", "0", "--to", "9999").expect(t, exitFailure, "is not within")
	do("replay", "--partition", "0", "--from", "500", "--to", "600").has(t, "100 records", "awarded:")

	if _, err := conn.Exec(ctx, `UPDATE `+live+` SET photos_uploaded = photos_uploaded + 1 WHERE id = $1`, user); err != nil {
		t.Fatal(err)
	}
	if a := do("replay", "--user", user); !strings.Contains(a.out, "differs") || !strings.Contains(a.out, "photos_uploaded: live") {
		t.Errorf("a row that was changed:\n%s", a.out)
	}
	do("repair").expect(t, exitUsage, "whose rows")
	do("repair", "--user", user).expect(t, exitFailure, "add --yes to repair it")
	do("repair", "--user", user, "--yes").has(t, "photos_uploaded: ", "is repaired")
	var r repair.Result
	do("repair", "--user", user, "--json").reads(t, 0, &r)
	if !r.Right() {
		t.Errorf("once it is repaired: %+v", r)
	}
	do("audit", "--against-log", "--settled").expect(t, 0, "")

	var list []projections.Scratch
	do("replay", "list", "--json").reads(t, 0, &list)
	if len(list) != 4 {
		t.Errorf("the scratch generations: %+v", list)
	}
	for _, x := range list {
		do("replay", "drop", fmt.Sprint(x.Generation)).has(t, "is dropped")
	}
	do("replay", "drop", "1").expect(t, exitFailure, "there is none")
	if n := one(`SELECT count(*)::text FROM pg_namespace WHERE nspname LIKE $1`, group+"\\_g%"); n != "1" {
		t.Errorf("%s schemas are left", n)
	}
	do("rebuild", "start", "--wait").has(t, "has caught up")
	do("rebuild", "diff").expect(t, 0, "")
}
