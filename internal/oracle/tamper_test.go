package oracle_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealTampering(t *testing.T) { t.Parallel(); testTampering(t, stacktest.Real) }
func TestTampering(t *testing.T)     { t.Parallel(); testTampering(t, stacktest.Embedded) }

// testTampering changes one thing at a time of what the engine wrote, and wants
// the check that is there for it to see it.
func testTampering(t *testing.T, servers func(testing.TB) *stacktest.Stack) {
	g := tamperable(t, servers(t))
	for i, tc := range []struct {
		what, check string
		sql         string // %[1]s is the group's schema, %[2]s the generation's
	}{
		{"a counter", oracle.UsersRecounted, `UPDATE %[2]s.users SET location_visits = location_visits + 1 WHERE id = (SELECT max(id) FROM %[2]s.users)`},
		{"a version", oracle.UsersRecounted, `UPDATE %[2]s.users SET version = version + 1 WHERE id = (SELECT max(id) FROM %[2]s.users)`},
		{"when a badge was earned", oracle.UsersRecounted, `UPDATE %[2]s.users SET earned_at[1] = earned_at[1] + interval '1 microsecond' WHERE id = (SELECT max(id) FROM %[2]s.users WHERE cardinality(held) > 0)`},
		{"a badge held that is gone", oracle.UsersRecounted, `UPDATE %[2]s.users SET held = held[2:], earned_at = earned_at[2:] WHERE id = (SELECT max(id) FROM %[2]s.users WHERE cardinality(held) > 0)`},
		{"a badge held twice", oracle.UsersRecounted, `UPDATE %[2]s.users SET held = held[1] || held, earned_at = earned_at[1] || earned_at WHERE id = (SELECT max(id) FROM %[2]s.users WHERE cardinality(held) > 0)`},
		{"a grant that is forgotten", oracle.UsersRecounted, `UPDATE %[2]s.users SET granted = NULL WHERE granted IS NOT NULL`},
		{"a revocation that nobody decided", oracle.UsersRecounted, `UPDATE %[2]s.users SET withheld = '{0}' WHERE id = (SELECT max(id) FROM %[2]s.users WHERE withheld IS NULL)`},
		{"pins in another order", oracle.UsersRecounted, `UPDATE %[2]s.users SET pinned_badges = pinned_badges[2] || pinned_badges[1:1] WHERE cardinality(pinned_badges) = 2`},
		{"why somebody decided", oracle.DecisionsRecounted, `UPDATE %[1]s.decision SET reason = 'another'`},
		{"a decision that is gone", oracle.DecisionsRecounted, `DELETE FROM %[1]s.decision WHERE "offset" = (SELECT max("offset") FROM %[1]s.decision)`},
		{"a decision from nowhere", oracle.DecisionsRecounted, `INSERT INTO %[1]s.decision SELECT topic, partition, "offset" + 1000000, verb, user_id, badge, by, reason, at, event_id, event_source FROM %[1]s.decision LIMIT 1`},
		{"a user who is gone", oracle.UsersRecounted, `DELETE FROM %[2]s.users WHERE id = (SELECT max(id) FROM %[2]s.users)`},
		{"a user from nowhere", oracle.UsersRecounted, `INSERT INTO %[2]s.users (id, version) VALUES ('nobody', 1)`},
		{"a date due", oracle.UsersRecounted, `UPDATE %[2]s.users SET due_at = now() WHERE id = (SELECT max(id) FROM %[2]s.users)`},
		{"a member's state", oracle.MembersRecounted, `UPDATE %[2]s.member SET state = 1 - state WHERE user_key = (SELECT max(user_key) FROM %[2]s.member WHERE state IN (0, 1)) AND state IN (0, 1)`},
		{"a member who is gone", oracle.MembersRecounted, `DELETE FROM %[2]s.member WHERE (user_key, row_key) = (SELECT user_key, row_key FROM %[2]s.member WHERE state <> 0 LIMIT 1)`},
		{"a member from nowhere", oracle.MembersRecounted, `INSERT INTO %[2]s.member (user_key, row_key, collection, state, prev) VALUES (1, 2, 3, 1, 0)`},
		{"a thing's sums", oracle.ThingsRecounted, `UPDATE %[2]s.entity SET s1 = s1 + 1 WHERE (user_key, row_key) = (SELECT max(user_key), max(row_key) FROM %[2]s.entity WHERE user_key = (SELECT max(user_key) FROM %[2]s.entity))`},
		{"a deleted thing that came back", oracle.ThingsRecounted, `UPDATE %[2]s.entity SET state = 1 WHERE state = -1`},
		{"places", oracle.PlacesRecounted, `UPDATE %[2]s.place SET taken = taken - 1`},
		{"the clock", oracle.PlacesRecounted, `UPDATE %[2]s.clock SET at = now()`},
		{"an award that is gone", oracle.HistoryRefolded, `DELETE FROM %[1]s.history WHERE ("offset", partition) = (SELECT "offset", partition FROM %[1]s.history ORDER BY random() LIMIT 1)`},
		{"an award that is gone, though it was published", oracle.AwardsOnce, `DELETE FROM %[1]s.history WHERE ("offset", partition) = (SELECT "offset", partition FROM %[1]s.history ORDER BY random() LIMIT 1)`},
		{"an award given twice", oracle.HistoryRefolded, `INSERT INTO %[1]s.history (topic, partition, "offset", ordinal, user_id, badge, category, criterion, tier, revoked, at, earned_at, event_id, event_source, counters, user_version, catalog_version, reason)
SELECT topic, partition, "offset", ordinal + 1, user_id, badge, category, criterion, tier, revoked, at, earned_at, event_id, event_source, counters, user_version, catalog_version, reason FROM %[1]s.history ORDER BY "offset" DESC, ordinal DESC LIMIT 1`},
		{"an award's time", oracle.HistoryRefolded, `UPDATE %[1]s.history SET at = at + interval '1 microsecond' WHERE user_version = 5`},
		{"an award's earned_at", oracle.HistoryRefolded, `UPDATE %[1]s.history SET earned_at = earned_at - interval '1 microsecond' WHERE user_version = 5`},
		{"an award's evidence", oracle.HistoryRefolded, `UPDATE %[1]s.history SET counters = '{"location_visits":77}' WHERE user_version = 5`},
		{"an award's cause", oracle.HistoryRefolded, `UPDATE %[1]s.history SET event_id = event_id || '!' WHERE user_version = 5`},
		{"an award's user version", oracle.HistoryRefolded, `UPDATE %[1]s.history SET user_version = user_version + 1 WHERE user_version = 5`},
		{"an award's tier", oracle.HistoryRefolded, `UPDATE %[1]s.history SET tier = tier + 1 WHERE user_version = 5`},
		{"an award's user", oracle.HistoryRefolded, `UPDATE %[1]s.history SET user_id = user_id || 'x' WHERE user_version = 5`},
		{"an award's ordinal", oracle.HistoryRefolded, `UPDATE %[1]s.history SET ordinal = ordinal + 7 WHERE user_version = 5`},
		{"an award behind the fold offset", oracle.HistoryRefolded, `UPDATE %[1]s.history SET "offset" = "offset" + 1000000 WHERE user_version = 5`},
		{"a ledger row that is gone", oracle.LedgerTiles, `DELETE FROM %[1]s.ledger WHERE number = (SELECT number FROM %[1]s.ledger WHERE from_offset > 0 ORDER BY number LIMIT 1)`},
		{"the last ledger row that is gone", oracle.LedgerTiles, `DELETE FROM %[1]s.ledger WHERE number = (SELECT max(number) FROM %[1]s.ledger)`},
		{"a ledger row that overlaps", oracle.LedgerTiles, `UPDATE %[1]s.ledger SET to_offset = to_offset + 1 WHERE number = (SELECT number FROM %[1]s.ledger WHERE from_offset > 0 ORDER BY number LIMIT 1)`},
		{"a range of a stale owner", oracle.LedgerTiles, `INSERT INTO %[1]s.ledger (topic, partition, from_offset, from_step, from_ordinal, to_offset, to_step, to_ordinal, due, catalog_version)
SELECT topic, partition, from_offset + 1, 0, 0, to_offset, 0, 0, 0, catalog_version FROM %[1]s.ledger WHERE to_offset - from_offset > 2 LIMIT 1`},
		{"a range of a stale owner, unpublished", oracle.LedgerTopic, `UPDATE %[1]s.ledger SET number = number + 1000000 WHERE number = (SELECT max(number) FROM %[1]s.ledger)`},
		{"ledger rows in another order", oracle.LedgerTiles, `UPDATE %[1]s.ledger l SET number = l.number + 1000000 WHERE number = (SELECT min(number) FROM %[1]s.ledger WHERE topic = l.topic AND partition = l.partition)
AND topic LIKE '%%activity'`},
		{"a reject that is gone", oracle.RejectsRecounted, `DELETE FROM %[1]s.reject WHERE ("offset", partition) = (SELECT "offset", partition FROM %[1]s.reject LIMIT 1)`},
		{"a reject that is gone, though it was published", oracle.DeadLettersOnce, `DELETE FROM %[1]s.reject WHERE ("offset", partition) = (SELECT "offset", partition FROM %[1]s.reject LIMIT 1)`},
		{"a reject's value", oracle.RejectsRecounted, `UPDATE %[1]s.reject SET value = value || '\x00'`},
		{"a reject's headers", oracle.RejectsRecounted, `UPDATE %[1]s.reject SET headers = ''`},
		{"a reject's reason", oracle.RejectsRecounted, `UPDATE %[1]s.reject SET reason = 'data'`},
		{"a reject from nowhere", oracle.RejectsRecounted, `INSERT INTO %[1]s.reject SELECT topic, partition, "offset" + 1, reason, detail, key, value, headers, timestamp_ms FROM %[1]s.reject ORDER BY "offset" DESC LIMIT 1`},
		{"P ahead", oracle.LedgerTiles, `UPDATE %[1]s.fold_offset SET next = next + 1 WHERE partition = 0`},
		{"P behind", oracle.Watermark, `UPDATE %[1]s.fold_offset SET next = next - 1 WHERE next > 0`},
	} {
		if testing.Short() && i%8 != 0 {
			continue
		}
		cfg := g.AuditConfig()
		cfg.Settle = 2 * time.Second
		cfg.Passes = 1 + i%2*2
		cfg.Postgres = g.copied(i)
		g.tamper(cfg.Postgres, fmt.Sprintf(tc.sql, g.base(), g.gen()))
		g.wants(cfg, tc.what, tc.check)
	}
}

// tamperable is a group that has folded a crowd.
func tamperable(t *testing.T, stack *stacktest.Stack) *group {
	t.Helper()
	g := found(t, stack, grouptest.Catalog(t, "starview"), 2)
	g.Config.Batch = 50
	g.Produce(grouptest.Crowd(t, 19, 60, 1_500)...)
	for i, d := range []schemas.Decision{{Verb: schemas.Grant, Badge: "explorer"}, {Verb: schemas.Grant, Badge: "first-light"}, {Verb: schemas.Pin, Badge: "first-light"},
		{Verb: schemas.Pin, Badge: "explorer"}, {Verb: schemas.Revoke, Badge: "pathfinder"}} {
		d.User, d.By, d.Reason = "decided", "anna", "so"
		g.Produce(g.Decision(fmt.Sprint("decided ", i), d))
	}
	g.Drain()
	if r := g.Audit(g.AuditConfig()); r.Err() != nil {
		t.Fatalf("before anything is changed: %s", r)
	}
	return g
}

// wants audits, and wants a check to fail.
func (g *group) wants(cfg oracle.Config, what, check string) {
	g.T.Helper()
	r := g.Audit(cfg)
	if !slices.Contains(r.Failed(), check) {
		g.T.Errorf("%s: %v fail, and %s should\n%s", what, r.Failed(), check, r)
	}
}

// copied copies the database, and gives the copy's URL.
func (g *group) copied(n int) string {
	g.T.Helper()
	from, err := url.Parse(g.Config.Postgres)
	if err != nil {
		g.T.Fatal(err)
	}
	name := strings.TrimPrefix(from.Path, "/")
	to := fmt.Sprintf("%s_%d", name, n)
	admin := *from
	admin.Path = "/postgres"
	ctx := g.T.Context()
	conn, err := pgx.Connect(ctx, admin.String())
	if err != nil {
		g.T.Fatal(err)
	}
	if !g.pg.IsClosed() { // a template must have no connections
		_ = g.pg.Close(ctx)
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{to}.Sanitize()+" TEMPLATE "+pgx.Identifier{name}.Sanitize()); err != nil {
		g.T.Fatal(err)
	}
	g.T.Cleanup(func() {
		ctx := context.WithoutCancel(ctx)
		if _, err := conn.Exec(ctx, "DROP DATABASE "+pgx.Identifier{to}.Sanitize()+" WITH (FORCE)"); err != nil {
			g.T.Error(err)
		}
		_ = conn.Close(ctx)
	})
	copied := *from
	copied.Path = "/" + to
	return copied.String()
}

func (g *group) tamper(url, sql string) {
	g.T.Helper()
	conn, err := pgx.Connect(g.T.Context(), url)
	if err != nil {
		g.T.Fatal(err)
	}
	defer conn.Close(g.T.Context())
	tag, err := conn.Exec(g.T.Context(), sql)
	if err != nil || tag.RowsAffected() == 0 {
		g.T.Fatalf("%d rows changed (%v): %s", tag.RowsAffected(), err, sql)
	}
}

func TestRealTamperedRedis(t *testing.T) { t.Parallel(); testTamperedRedis(t, stacktest.Real(t)) }
func TestTamperedRedis(t *testing.T)     { t.Parallel(); testTamperedRedis(t, stacktest.Embedded(t)) }

func testTamperedRedis(t *testing.T, stack *stacktest.Stack) {
	g := tamperable(t, stack)
	ctx := t.Context()
	user := g.busiest()
	key := g.Config.Group + ":progress:" + user
	was, err := g.rdb.Get(ctx, key).Result()
	if err != nil {
		t.Fatal(err)
	}
	cfg := g.AuditConfig()
	cfg.Settle = time.Second
	for what, do := range map[string]func() error{
		"a snapshot that is gone": func() error { return g.rdb.Del(ctx, key).Err() },
		"a snapshot set back": func() error {
			g.snapshot(user, func(s *schemas.Snapshot) { s.Version-- })
			return nil
		},
		"a snapshot ahead": func() error {
			g.snapshot(user, func(s *schemas.Snapshot) { s.Version++ })
			return nil
		},
		"another counter": func() error {
			g.snapshot(user, func(s *schemas.Snapshot) { s.Counters[0].Value++ })
			return nil
		},
		"a badge less": func() error {
			g.snapshot(user, func(s *schemas.Snapshot) { s.Earned = s.Earned[1:] })
			return nil
		},
		"no snapshot at all": func() error { return g.rdb.Set(ctx, key, "nonsense", 0).Err() },
		"somebody else's": func() error {
			return g.rdb.Set(ctx, g.Config.Group+":progress:nobody", strings.Replace(was, user, "nobody", 1), 0).Err()
		},
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
		g.wants(cfg, what, oracle.SnapshotsConverged)
		if err := g.rdb.Set(ctx, key, was, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if err := g.rdb.Del(ctx, g.Config.Group+":progress:nobody").Err(); err != nil {
			t.Fatal(err)
		}
	}
	if r := g.Audit(cfg); r.Err() != nil {
		t.Errorf("once all is put back: %s", r)
	}
}
