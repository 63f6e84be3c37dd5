package repair_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/operatortest"
	"github.com/badgestream/badgestream/internal/repair"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
)

func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }

var noon = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

// folded is a group of a catalogue that has folded events of every type, with a
// tick among them.
func folded(t *testing.T, stack *stacktest.Stack, name string) *operatortest.Group {
	t.Helper()
	own := *stack
	own.Prefix += "-" + name
	g := operatortest.Found(t, &own, name, 2)
	g.Batch = 100
	who := func(rng *rand.Rand) string { return fmt.Sprintf("u%02d", rng.IntN(40)) }
	g.Produce(operatortest.Anything(g.Catalog, 1, 2_000, noon, who)...)
	g.Produce(g.Tick(noon.AddDate(0, 6, 0)))
	g.Produce(operatortest.Anything(g.Catalog, 2, 500, noon, who)...)
	g.Drain()
	return g
}

func run(t *testing.T, g *operatortest.Group, user string, apply bool) *repair.Result {
	t.Helper()
	r, err := repair.Run(t.Context(), repair.Config{Brokers: g.Brokers, Postgres: g.Postgres, Redis: g.Redis, Group: g.Group, User: user, Apply: apply, Settle: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tables is all that a generation has, without what only tells of the last
// batch.
func tables(g *operatortest.Group) string {
	return operatortest.One[string](g, fmt.Sprintf(`SELECT md5(concat((SELECT string_agg(u::text, '|' ORDER BY id) FROM %[2]s.users u),
(SELECT string_agg(ROW(user_key, row_key, collection, state, at)::text, '|' ORDER BY user_key, row_key) FROM %[2]s.member),
(SELECT string_agg(ROW(user_key, row_key, collection, state, s0, s1, s2, s3)::text, '|' ORDER BY user_key, row_key) FROM %[2]s.entity),
(SELECT string_agg(h::text, '|' ORDER BY partition, "offset", ordinal) FROM %[1]s.history h)))`, g.Base(), g.Gen()))
}

func TestRealRepair(t *testing.T) { t.Parallel(); testRepair(t, stacktest.Real(t)) }
func TestRepair(t *testing.T)     { t.Parallel(); testRepair(t, stacktest.Embedded(t)) }

// testRepair wants nobody to need a repair of what the engine wrote, then
// changes one user's rows in every way and wants a dry run to say so and to
// change nothing, and a repair to bring back every byte.
func testRepair(t *testing.T, stack *stacktest.Stack) {
	for name, cases := range map[string][]string{
		"starview": {
			`UPDATE %[1]s.users SET location_visits = location_visits + 1000 WHERE id = '%[2]s'`,
			`UPDATE %[1]s.users SET pioneer = 1 - pioneer WHERE id = '%[2]s'`,
			`UPDATE %[1]s.users SET version = version + 3 WHERE id = '%[2]s'`,
			`UPDATE %[1]s.users SET held = NULL, earned_at = NULL WHERE id = '%[2]s'`,
			`UPDATE %[1]s.member SET state = 1 - state WHERE user_key = %[3]d AND state IN (0, 1)`,
			`DELETE FROM %[1]s.member WHERE user_key = %[3]d`,
			`INSERT INTO %[1]s.member (user_key, row_key, collection, state, prev) VALUES (%[3]d, 77, 0, 1, 0)`,
			`UPDATE %[1]s.entity SET s0 = s0 + 1, state = 1 WHERE user_key = %[3]d`,
			`DELETE FROM %[1]s.users WHERE id = '%[2]s'`,
		},
		"stride": {
			`UPDATE %[1]s.users SET due_at = '2050-01-01', distance_metres = 1 WHERE id = '%[2]s'`,
			`UPDATE %[1]s.users SET founder = 1 - founder WHERE id = '%[2]s'`,
			`UPDATE %[1]s.member SET at = at + interval '1 hour' WHERE user_key = %[3]d AND at IS NOT NULL`,
		},
	} {
		g := folded(t, stack, name)
		_, in, err := g.Store.Catalog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			if r := run(t, g, fmt.Sprintf("u%02d", i), false); !r.Right() || r.Repaired {
				t.Fatalf("%s: before anything is changed, u%02d: %+v", name, i, r)
			}
			if i > 12 && testing.Short() {
				break
			}
		}
		whole := tables(g)
		for i, sql := range cases {
			user := fmt.Sprintf("u%02d", i)
			g.SQL(fmt.Sprintf(sql, g.Gen(), user, in.Secret.UserKey(user)))
			changed := tables(g)
			if r := run(t, g, user, false); len(r.Differences) == 0 || r.Repaired || tables(g) != changed {
				t.Errorf("%s: a dry run: %+v", sql, r)
			}
			r := run(t, g, user, true)
			if !r.Repaired || tables(g) != whole || r.EpochRaised != strings.Contains(sql, "version + 3") {
				t.Errorf("%s: repaired: %+v", sql, r)
			}
			if r.EpochRaised {
				g.Drain() // it writes all snapshots anew
			}
			if r := run(t, g, user, false); !r.Right() {
				t.Errorf("%s: once it is repaired: %+v", sql, r)
			}
		}
		// A snapshot alone.
		key := snapshots.Key(g.Group, "u03")
		was := g.Rdb.Get(t.Context(), key).Val()
		if err := g.Rdb.Set(t.Context(), key, strings.Replace(was, `":1`, `":2`, 1), 0).Err(); err != nil {
			t.Fatal(err)
		}
		if r := run(t, g, "u03", true); !r.Snapshot || !r.Repaired || g.Rdb.Get(t.Context(), key).Val() != was {
			t.Errorf("a snapshot: %+v", r)
		}
	}
}

func TestRealUntold(t *testing.T) { t.Parallel(); testUntold(t, stacktest.Real(t)) }
func TestUntold(t *testing.T)     { t.Parallel(); testUntold(t, stacktest.Embedded(t)) }

// testUntold takes an award out of the history, and wants nothing to be
// repaired that nobody would be told of.
func testUntold(t *testing.T, stack *stacktest.Stack) {
	g := folded(t, stack, "starview")
	user := operatortest.One[string](g, `SELECT min(id) FROM `+g.Gen()+`.users WHERE cardinality(held) > 0`)
	slug := operatortest.One[string](g, `SELECT b.slug FROM `+g.Base()+`.badge b JOIN `+g.Gen()+`.users u ON b.id = u.held[1] WHERE u.id = $1`, user)
	g.SQL(`DELETE FROM `+g.Base()+`.history WHERE user_id = $1 AND badge = $2`, user, slug)
	g.SQL(`UPDATE `+g.Gen()+`.users SET held = held[2:], earned_at = earned_at[2:] WHERE id = $1`, user)
	changed := tables(g)
	r := run(t, g, user, true)
	if r.Repaired || len(r.Untold) != 1 || !strings.HasPrefix(r.Untold[0], slug+":") || tables(g) != changed {
		t.Errorf("%s without %s: %+v", user, slug, r)
	}
	if !slices.ContainsFunc(r.Differences, func(d projections.UserDifference) bool { return d.What == "held" }) {
		t.Errorf("the differences: %+v", r.Differences)
	}
}
