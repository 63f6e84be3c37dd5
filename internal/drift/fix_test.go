package drift_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/checks"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/drift"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/operatortest"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
)

func TestRealFix(t *testing.T) { t.Parallel(); testFix(t, stacktest.Real(t)) }
func TestFix(t *testing.T)     { t.Parallel(); testFix(t, stacktest.Embedded(t)) }

// testFix changes rows by hand and has them mended: to the byte where it can be
// told what they were, and not at all where it cannot.
func testFix(t *testing.T, stack *stacktest.Stack) {
	for name, cases := range map[string][]struct {
		what, sql string
		mended    bool
	}{
		"starview": {
			{"a counter", `UPDATE %[2]s.users SET location_visits = location_visits + 1 WHERE id = 'u07'`, true},
			{"a counter that thresholds depend on", `UPDATE %[2]s.users SET location_visits = 0, reviews_written = 99 WHERE id = 'u07'`, true},
			{"badges held", `UPDATE %[2]s.users SET held = held[2:], earned_at = earned_at[2:] WHERE id = 'u07'`, true},
			{"no badges held", `UPDATE %[2]s.users SET held = NULL, earned_at = NULL WHERE id = 'u07'`, true},
			{"when a badge was earned", `UPDATE %[2]s.users SET earned_at[1] = earned_at[1] - interval '1 day' WHERE id = 'u07'`, true},
			{"a counter and badges held", `UPDATE %[2]s.users SET location_visits = 1, held = held[2:], earned_at = earned_at[2:] WHERE id = 'u07'`, true},
			{"a member", `UPDATE %[2]s.member SET state = 0 WHERE (user_key, row_key) = (SELECT user_key, row_key FROM %[2]s.member WHERE state = 1 AND collection = (SELECT collection FROM %[2]s.member GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) LIMIT 1)`, false},
			{"a thing's sums", `UPDATE %[2]s.entity SET s0 = s0 + 1 WHERE (user_key, row_key) = (SELECT user_key, row_key FROM %[2]s.entity WHERE s0 > 0 AND state = 1 LIMIT 1)`, false},
			{"an award in the history", `DELETE FROM %[1]s.history WHERE (partition, "offset", ordinal) = (SELECT partition, "offset", ordinal FROM %[1]s.history WHERE user_id = 'u07' AND badge = 'first-light')`, false},
		},
		"stride": {
			{"a date due", `UPDATE %[2]s.users SET due_at = NULL WHERE id = (SELECT min(id) FROM %[2]s.users WHERE due_at IS NOT NULL)`, true},
			{"another date due", `UPDATE %[2]s.users SET due_at = due_at - interval '1 hour' WHERE id = (SELECT min(id) FROM %[2]s.users WHERE due_at IS NOT NULL)`, true},
		},
	} {
		g := folded(t, stack, name)
		tables := fmt.Sprintf(`SELECT md5(concat((SELECT string_agg(u::text, '|' ORDER BY id) FROM %[2]s.users u), (SELECT string_agg(m::text, '|' ORDER BY user_key, row_key) FROM %[2]s.member m),
(SELECT string_agg(e::text, '|' ORDER BY user_key, row_key) FROM %[2]s.entity e), (SELECT string_agg(h::text, '|' ORDER BY partition, "offset", ordinal) FROM %[1]s.history h)))`, g.Base(), g.Gen())
		whole := operatortest.One[string](g, tables)
		for _, tc := range cases {
			for _, table := range []string{"history", "users", "member", "entity"} {
				if _, err := g.Conn.Exec(t.Context(), `CREATE TABLE kept_`+table+` AS SELECT * FROM `+in(g, table)); err != nil {
					t.Fatal(err)
				}
			}
			g.SQL(fmt.Sprintf(tc.sql, g.Base(), g.Gen()))
			changed := operatortest.One[string](g, tables)
			cfg := config(g)
			cfg.Fix = true
			dry := audit(t, cfg)
			if operatortest.One[string](g, tables) != changed || len(dry.Fixes) > 0 != tc.mended || dry.Fixed || dry.Err() == nil {
				t.Errorf("%s, a dry run: %s", tc.what, dry)
			}
			cfg.Apply = true
			r := audit(t, cfg)
			switch now := operatortest.One[string](g, tables); {
			case tc.mended && now != whole:
				t.Errorf("%s is not mended: %s", tc.what, r)
			case !tc.mended && now != changed:
				t.Errorf("%s is changed, though nobody can tell what it was: %s", tc.what, r)
			case tc.mended:
				if after := audit(t, config(g)); after.Err() != nil {
					t.Errorf("%s, once it is mended: %s", tc.what, after)
				}
			}
			for _, table := range []string{"history", "users", "member", "entity"} {
				if _, err := g.Conn.Exec(t.Context(), `DELETE FROM `+in(g, table)+`; INSERT INTO `+in(g, table)+` SELECT * FROM kept_`+table+`; DROP TABLE kept_`+table); err != nil {
					t.Fatal(err)
				}
			}
		}
		// A counter that is wrong in the snapshot too has no witness left.
		if name == "starview" {
			g.SQL(`UPDATE ` + g.Gen() + `.users SET location_visits = location_visits + 1 WHERE id = 'u07'`)
			if err := g.Rdb.Del(t.Context(), snapshots.Key(g.Group, "u07")).Err(); err != nil {
				t.Fatal(err)
			}
			changed := operatortest.One[string](g, tables)
			cfg := config(g)
			cfg.Fix, cfg.Apply = true, true
			if r := audit(t, cfg); operatortest.One[string](g, tables) != changed || !strings.Contains(r.String(), `note: "u07" is not mended`) {
				t.Errorf("without a witness: %s", r)
			}
		}
	}
}

func in(g *operatortest.Group, table string) string {
	if table == "history" {
		return g.Base() + ".history"
	}
	return g.Gen() + "." + table
}

func TestRealFixUnderLoad(t *testing.T) { t.Parallel(); testFixUnderLoad(t, stacktest.Real(t)) }
func TestFixUnderLoad(t *testing.T)     { t.Parallel(); testFixUnderLoad(t, stacktest.Embedded(t)) }

// testFixUnderLoad changes a counter by hand and mends it, again and again, while
// workers fold events of the same users. In the end a recount of the log must
// give the very rows. Audits meanwhile raise no alarm but for what was changed.
func testFixUnderLoad(t *testing.T, stack *stacktest.Stack) {
	file := filepath.Join(t.TempDir(), "rooms.yaml")
	if err := os.WriteFile(file, []byte(grouptest.Rooms), 0o600); err != nil {
		t.Fatal(err)
	}
	g := operatortest.Found(t, stack, file, 4)
	g.Workers, g.Batch = 3, 20
	stop := g.Run(t.Context())
	defer stop()
	ctx, quiet := context.WithCancel(t.Context())
	defer quiet()
	var producer sync.WaitGroup
	rng := rand.New(rand.NewPCG(7, 7))
	user := func(rng *rand.Rand) string { return fmt.Sprintf("u%d", rng.IntN(8)) }
	producer.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			kind, data := []string{"r.came", "r.left", "r.done"}[rng.IntN(3)], `{}`
			if kind != "r.done" {
				data = `{"who":"` + user(rng) + `"}`
			}
			// Waiting for each keeps the log short enough to be recounted.
			if g.Client.ProduceSync(ctx, operatortest.Event(fmt.Sprint("e", i), kind, fmt.Sprintf("p%d", rng.IntN(500)), noon, data)).FirstErr() != nil {
				return
			}
		}
	})
	g.Until(ctx, "eight users have rows", func() bool {
		return operatortest.One[int64](g, `SELECT count(*) FROM `+g.Gen()+`.users WHERE id LIKE 'u%'`) >= 8
	})
	cfg := config(g)
	cfg.Settle, cfg.Watch = 10*time.Second, 15*time.Second
	if r := audit(t, cfg); r.Err() != nil {
		t.Errorf("under load, before anything is changed: %s", r)
	}
	cat, installed, err := g.Store.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := g.Store.OpenDrift(t.Context(), installed, cat)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	mended := 0
	mine := rand.New(rand.NewPCG(8, 8))
	for range 150 {
		u := user(mine)
		g.SQL(`UPDATE `+g.Gen()+`.users SET there = there + 1000 WHERE id = $1`, u)
		err := d.Mend(t.Context(), u, false, func(r *projections.DriftRow) *projections.Mending {
			if r.Expected[0] == nil || *r.Expected[0] == r.Counters[0] {
				t.Errorf("%s drifted otherwise: %+v", u, r)
				return nil
			}
			mended++
			return &projections.Mending{Counters: map[int]int64{0: *r.Expected[0]}}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	quiet()
	producer.Wait()
	stop()
	g.Drain()
	if mended != 150 {
		t.Errorf("%d mended", mended)
	}
	// Snapshots of what was wrong for a while are mended too.
	cfg = config(g)
	cfg.Fix, cfg.Apply = true, true
	audit(t, cfg)
	r, err := oracle.Audit(t.Context(), oracle.Config{Brokers: g.Brokers, Postgres: g.Postgres, Redis: g.Redis, Group: g.Group,
		ActivityTopic: g.ActivityTopic, AwardTopic: g.AwardTopic, DeadLetterTopic: g.DeadLetterTopic, Settled: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Err() != nil || r.Records < 200 {
		t.Errorf("a recount of the log: %s", r)
	}
}

func TestRealSilentTypes(t *testing.T) { t.Parallel(); testSilentTypes(t, stacktest.Real(t)) }
func TestSilentTypes(t *testing.T)     { t.Parallel(); testSilentTypes(t, stacktest.Embedded(t)) }

// testSilentTypes has all types come, and then one alone.
func testSilentTypes(t *testing.T, stack *stacktest.Stack) {
	g := folded(t, stack, "starview")
	for i := range 20 {
		batch := anything(g.Catalog, uint64(100+i), 500)
		for k, r := range batch {
			batch[k] = operatortest.Event(fmt.Sprintf("s%d-%d", i, k), "starview.location.visited", string(r.Key), noon, `{"location":"L"}`)
		}
		g.Produce(batch...)
	}
	g.Drain()
	r := audit(t, config(g))
	i := slices.IndexFunc(r.Checks, func(c checks.Check) bool { return c.Name == drift.TypesAlive })
	// All but the one, and but those too rare to tell.
	if c := r.Checks[i]; !slices.Equal(r.Failed(), []string{drift.TypesAlive}) || c.Failed < 10 || c.Failed >= c.Looked ||
		!strings.Contains(strings.Join(c.Findings, "\n"), "starview.comment.created is silent: ") || strings.Contains(strings.Join(c.Findings, "\n"), "location.visited is silent") {
		t.Errorf("%s", r)
	}
}
