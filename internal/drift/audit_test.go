package drift_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/drift"
	"github.com/badgestream/badgestream/internal/operatortest"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

var noon = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

// anything makes events of every type of a catalogue, of 60 users.
func anything(cat *catalog.Catalog, seed uint64, n int) []*kgo.Record {
	return operatortest.Anything(cat, seed, n, noon, func(rng *rand.Rand) string { return fmt.Sprintf("u%02d", rng.IntN(60)) })
}

func config(g *operatortest.Group) drift.Config {
	return drift.Config{Brokers: g.Brokers, Postgres: g.Postgres, Redis: g.Redis, Group: g.Group,
		Settle: 500 * time.Millisecond, Watch: time.Second, Shown: 10}
}

func audit(t *testing.T, cfg drift.Config) *drift.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	r, err := drift.Audit(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func folded(t *testing.T, stack *stacktest.Stack, name string) *operatortest.Group {
	t.Helper()
	own := *stack
	own.Prefix += "-" + name
	g := operatortest.Found(t, &own, name, 2)
	g.Batch = 100
	g.Produce(anything(g.Catalog, 1, 3_000)...)
	g.Produce(g.Tick(noon.AddDate(0, 6, 0)))
	g.Produce(anything(g.Catalog, 2, 500)...)
	g.Drain()
	return g
}

func TestRealDrift(t *testing.T) { t.Parallel(); testDrift(t, stacktest.Real(t)) }
func TestDrift(t *testing.T)     { t.Parallel(); testDrift(t, stacktest.Embedded(t)) }

// testDrift wants nothing amiss with what the engine wrote, then changes one
// thing at a time and wants the check that is there for it to see it, and no
// more amiss once it is put back.
func testDrift(t *testing.T, stack *stacktest.Stack) {
	for _, name := range []string{"starview", "stride"} {
		g := folded(t, stack, name)
		cfg := config(g)
		if r := audit(t, cfg); r.Err() != nil || r.Users < 50 {
			t.Fatalf("%s, before anything is changed: %s", name, r)
		}
		for _, tc := range tampering[name] {
			// Of each change, the whole table is kept, and put back.
			table := fmt.Sprintf(tc.table, g.Base(), g.Gen())
			if _, err := g.Conn.Exec(t.Context(), `CREATE TABLE kept AS SELECT * FROM `+table); err != nil {
				t.Fatal(err)
			}
			g.SQL(fmt.Sprintf(tc.sql, g.Base(), g.Gen()))
			if r := audit(t, cfg); !slices.Contains(r.Failed(), tc.check) {
				t.Errorf("%s, %s: %v fail, and %s should\n%s", name, tc.sql, r.Failed(), tc.check, r)
			}
			if _, err := g.Conn.Exec(t.Context(), `DELETE FROM `+table+`; INSERT INTO `+table+` SELECT * FROM kept; DROP TABLE kept`); err != nil {
				t.Fatal(err)
			}
		}
		if r := audit(t, cfg); r.Err() != nil {
			t.Errorf("%s, once all is put back: %s", name, r)
		}
	}
}

type change struct{ table, sql, check string }

// tampering is what is changed by hand. %[1]s is the group's schema, %[2]s the
// generation's.
var tampering = map[string][]change{
	"starview": {
		{`%[2]s.users`, `UPDATE %[2]s.users SET location_visits = location_visits + 1 WHERE id = 'u07'`, drift.CountersFollow},
		{`%[2]s.users`, `UPDATE %[2]s.users SET upvotes_received = upvotes_received + 1 WHERE id = 'u07'`, drift.CountersFollow},
		{`%[2]s.users`, `UPDATE %[2]s.users SET profile_fields = profile_fields + 1 WHERE id = 'u07'`, drift.CountersFollow},
		{`%[2]s.users`, `UPDATE %[2]s.users SET quality_locations = quality_locations + 1 WHERE id = 'u07'`, drift.CountersFollow},
		{`%[2]s.users`, `UPDATE %[2]s.users SET since_tenure_days = 0 WHERE id = (SELECT min(id) FROM %[2]s.users WHERE since_tenure_days <> 0)`, drift.CountersFollow},
		{`%[2]s.users`, `UPDATE %[2]s.users SET location_visits = 0 WHERE id = (SELECT min(id) FROM %[2]s.users WHERE location_visits > 5)`, drift.BadgesFollow},
		{`%[2]s.users`, `UPDATE %[2]s.users SET held = held[2:], earned_at = earned_at[2:] WHERE id = (SELECT min(id) FROM %[2]s.users WHERE cardinality(held) > 1)`, drift.HistoryFollowed},
		{`%[2]s.users`, `UPDATE %[2]s.users SET held = held[2:], earned_at = earned_at[2:] WHERE id = (SELECT min(id) FROM %[2]s.users WHERE cardinality(held) > 1)`, drift.BadgesFollow},
		{`%[2]s.users`, `UPDATE %[2]s.users SET held = held || held[1], earned_at = earned_at || earned_at[1] WHERE id = (SELECT min(id) FROM %[2]s.users WHERE cardinality(held) > 1)`, drift.HistoryFollowed},
		{`%[2]s.users`, `UPDATE %[2]s.users SET earned_at[1] = earned_at[1] + interval '1 microsecond' WHERE id = (SELECT min(id) FROM %[2]s.users WHERE cardinality(held) > 1)`, drift.HistoryFollowed},
		{`%[2]s.users`, `UPDATE %[2]s.users SET version = 1 WHERE id = (SELECT min(user_id) FROM %[1]s.history WHERE user_version > 5)`, drift.HistoryFollowed},
		{`%[2]s.users`, `UPDATE %[2]s.users SET version = version - 1 WHERE id = 'u07'`, drift.SnapshotsFollow},
		{`%[2]s.users`, `UPDATE %[2]s.users SET due_at = '2024-01-01' WHERE id = (SELECT min(id) FROM %[2]s.users)`, drift.DueDates},
		{`%[2]s.users`, `DELETE FROM %[2]s.users WHERE id = 'u07'`, drift.Owned},
		{`%[2]s.users`, `UPDATE %[2]s.users SET pioneer = 1 - pioneer WHERE id = 'u07'`, drift.PlacesDrawn},
		{`%[2]s.member`, `UPDATE %[2]s.member SET state = 0 WHERE (user_key, row_key) = (SELECT user_key, row_key FROM %[2]s.member JOIN %[1]s.regime ON true WHERE state = 1 AND collection = (SELECT collection FROM %[2]s.member GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) LIMIT 1)`, drift.CountersFollow},
		{`%[2]s.member`, `DELETE FROM %[2]s.member WHERE user_key = (SELECT user_key FROM %[2]s.member GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)`, drift.ThingsFollow},
		{`%[2]s.entity`, `UPDATE %[2]s.entity SET s0 = s0 + 1 WHERE (user_key, row_key) = (SELECT user_key, row_key FROM %[2]s.entity WHERE s0 > 0 LIMIT 1)`, drift.ThingsFollow},
		{`%[2]s.entity`, `UPDATE %[2]s.entity SET state = 1 WHERE (user_key, row_key) = (SELECT user_key, row_key FROM %[2]s.entity WHERE state = -1 LIMIT 1)`, drift.CountersFollow},
		{`%[2]s.place`, `UPDATE %[2]s.place SET taken = taken - 1`, drift.PlacesDrawn},
		{`%[1]s.history`, `DELETE FROM %[1]s.history WHERE (partition, "offset", ordinal) = (SELECT partition, "offset", ordinal FROM %[1]s.history ORDER BY user_version DESC LIMIT 1)`, drift.HistoryFollowed},
		{`%[1]s.history`, `UPDATE %[1]s.history SET user_id = 'nobody' WHERE user_id = 'u07'`, drift.Owned},
		{`%[1]s.ledger`, `DELETE FROM %[1]s.ledger WHERE number = (SELECT max(number) FROM %[1]s.ledger WHERE from_offset > 0)`, drift.LedgerTiles},
		{`%[1]s.ledger`, `UPDATE %[1]s.ledger SET to_offset = to_offset + 1 WHERE number = (SELECT min(number) FROM %[1]s.ledger)`, drift.LedgerTiles},
		{`%[1]s.fold_offset`, `UPDATE %[1]s.fold_offset SET next = next - 1 WHERE next > 1`, drift.Progress},
		{`%[1]s.reject`, `INSERT INTO %[1]s.reject SELECT topic, partition, 1000000 + n, 'data', '', NULL, NULL, '', 0, now() FROM %[1]s.fold_offset, generate_series(1, 20) n WHERE partition = 0`, drift.DeadLetters},
	},
	"stride": {
		{`%[2]s.users`, `UPDATE %[2]s.users SET due_at = '2050-01-01' WHERE id = (SELECT min(id) FROM %[2]s.users WHERE due_at IS NOT NULL)`, drift.DueDates},
		{`%[2]s.users`, `UPDATE %[2]s.users SET due_at = NULL WHERE id = (SELECT min(id) FROM %[2]s.users WHERE due_at IS NOT NULL)`, drift.DueDates},
		{`%[2]s.users`, `UPDATE %[2]s.users SET due_at = '2024-01-01' WHERE id = (SELECT min(id) FROM %[2]s.users)`, drift.DueDates},
		{`%[2]s.users`, `UPDATE %[2]s.users SET distance_metres = distance_metres + 1 WHERE id = 'u07'`, drift.CountersFollow},
		{`%[2]s.users`, `UPDATE %[2]s.users SET trail_runs = trail_runs + 1 WHERE id = 'u07'`, drift.CountersFollow},
		{`%[2]s.users`, `UPDATE %[2]s.users SET home_altitude = home_altitude - 1 WHERE id = 'u07'`, drift.CountersFollow},
		{`%[2]s.users`, `UPDATE %[2]s.users SET stars_received = stars_received + 1 WHERE id = 'u07'`, drift.CountersFollow},
		{`%[2]s.users`, `UPDATE %[2]s.users SET points = points + 1 WHERE id = 'u07'`, drift.SnapshotsFollow},
		{`%[2]s.member`, `UPDATE %[2]s.member SET state = state + 1 WHERE (user_key, row_key) = (SELECT user_key, row_key FROM %[2]s.member WHERE at IS NOT NULL AND state > 0 LIMIT 1)`, drift.CountersFollow},
	},
}

func TestRealDriftedSnapshots(t *testing.T) { t.Parallel(); testDriftedSnapshots(t, stacktest.Real(t)) }
func TestDriftedSnapshots(t *testing.T)     { t.Parallel(); testDriftedSnapshots(t, stacktest.Embedded(t)) }

// testDriftedSnapshots changes snapshots, and has them mended.
func testDriftedSnapshots(t *testing.T, stack *stacktest.Stack) {
	g := folded(t, stack, "starview")
	ctx := t.Context()
	key := snapshots.Key(g.Group, "u07")
	was, err := g.Rdb.Get(ctx, key).Result()
	if err != nil {
		t.Fatal(err)
	}
	changed := func(f func(*schemas.Snapshot)) string {
		s, err := schemas.ParseSnapshot([]byte(was))
		if err != nil {
			t.Fatal(err)
		}
		f(s)
		return string(s.Append(nil))
	}
	for what, text := range map[string]string{
		"none": "", "nonsense": "nonsense",
		"behind":          changed(func(s *schemas.Snapshot) { s.Version-- }),
		"ahead":           changed(func(s *schemas.Snapshot) { s.Version += 3 }),
		"other counters":  changed(func(s *schemas.Snapshot) { s.Counters[0].Value++ }),
		"a badge less":    changed(func(s *schemas.Snapshot) { s.Earned = s.Earned[1:] }),
		"other progress":  changed(func(s *schemas.Snapshot) { s.InProgress[0].Value++ }),
		"somebody else's": changed(func(s *schemas.Snapshot) { s.User = "u08" }),
	} {
		if text == "" {
			err = g.Rdb.Del(ctx, key).Err()
		} else {
			err = g.Rdb.Set(ctx, key, text, 0).Err()
		}
		if err != nil {
			t.Fatal(err)
		}
		cfg := config(g)
		cfg.Fix = true
		r := audit(t, cfg)
		if want := []string{drift.SnapshotsFollow}; !slices.Equal(r.Failed(), want) || len(r.Fixes) != 1 || r.Fixed {
			t.Errorf("%s, dry: %s", what, r)
		}
		if now, _ := g.Rdb.Get(ctx, key).Result(); now != text {
			t.Errorf("%s: a dry run changed the snapshot to %q", what, now)
		}
		cfg.Apply = true
		audit(t, cfg)
		if now, _ := g.Rdb.Get(ctx, key).Result(); now != was {
			t.Errorf("%s: it is mended to\n%s\nand was\n%s", what, now, was)
		}
	}
	if err := g.Rdb.Set(ctx, snapshots.Key(g.Group, "nobody"), strings.Replace(was, "u07", "nobody", 1), 0).Err(); err != nil {
		t.Fatal(err)
	}
	cfg := config(g)
	cfg.Fix, cfg.Apply = true, true
	if r := audit(t, cfg); r.Err() == nil {
		t.Errorf("a snapshot of nobody: %s", r)
	}
	if r := audit(t, config(g)); r.Err() != nil {
		t.Errorf("at last: %s", r)
	}
}
