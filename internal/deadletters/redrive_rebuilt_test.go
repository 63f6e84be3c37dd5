package deadletters_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/deadletters"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/operatortest"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/projections"
)

// narrow is strict with a window that no copy of a gift stands in.
var narrow = strings.Replace(strict, "name: coins\n", "name: coins\ndedupe: {window: 3}\n", 1)

// generous are other rules, which take the gifts.
var generous = strings.NewReplacer("[1, 5]", "[1, 20]", "at_least: 30", "at_least: 40").Replace(narrow)

// narrowly is a group that has rejected the gifts, in batches of a size.
func narrowly(t *testing.T, stack *stacktest.Stack, batch int) *operatortest.Group {
	t.Helper()
	own := *stack
	own.Prefix += "-" + string(rune('a'+batch%26))
	file := filepath.Join(t.TempDir(), "coins.yaml")
	if err := os.WriteFile(file, []byte(narrow), 0o600); err != nil {
		t.Fatal(err)
	}
	g := operatortest.Found(t, &own, file, 2)
	g.Batch = batch
	for i := range gifts {
		g.Produce(given(string(rune('a'+i)), []string{"ada", "bob"}[i%2], 9))
		g.Produce(given("between-"+string(rune('a'+i)), []string{"ada", "bob"}[i%2], 1))
	}
	g.Drain()
	return g
}

// worth is what each user has once every event counts once.
const worth = gifts / 2 * (9 + 1)

func coins(t *testing.T, g *operatortest.Group, when string) {
	t.Helper()
	_, in, err := g.Store.CurrentCatalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := g.Store.Users(in, g.Catalog).Of(t.Context(), "ada", "bob")
	if err != nil || len(rows) != 2 {
		t.Fatalf("%s: %+v, %v", when, rows, err)
	}
	for _, row := range rows {
		if row.Counters[0] != worth {
			t.Errorf("%s, %s has %d coins, want %d", when, row.User, row.Counters[0], worth)
		}
	}
}

func verified(t *testing.T, g *operatortest.Group, when string) {
	t.Helper()
	r, err := oracle.Audit(t.Context(), oracle.Config{Brokers: g.Brokers, Postgres: g.Postgres, Redis: g.Redis, Group: g.Group,
		ActivityTopic: g.ActivityTopic, AwardTopic: g.AwardTopic, DeadLetterTopic: g.DeadLetterTopic, Settled: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Err() != nil {
		t.Errorf("%s: %s", when, r)
	}
}

func rebuilder(t *testing.T, g *operatortest.Group) *pipeline.Rebuilder {
	t.Helper()
	r, err := pipeline.OpenRebuilder(t.Context(), g.Config, telemetry.Discard().Log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// rebuilt starts a rebuild, and gives how it differs from the live rows.
func rebuilt(t *testing.T, r *pipeline.Rebuilder, cat *catalog.Catalog) *pipeline.Diff {
	t.Helper()
	if _, err := r.Start(t.Context(), pipeline.Request{Catalog: cat}); err != nil {
		t.Fatal(err)
	}
	return compared(t, r)
}

func compared(t *testing.T, r *pipeline.Rebuilder) *pipeline.Diff {
	t.Helper()
	d, err := r.Diff(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// redrive appends all letters again, and wants each to go.
func redrive(t *testing.T, g *operatortest.Group) {
	t.Helper()
	all := letters(t, g, deadletters.Filter{})
	result, err := deadletters.Redrive(t.Context(), g.Store, g.Brokers, "ops", places(all))
	if err != nil || result.Redriven != gifts {
		t.Fatalf("redriven: %+v, %v", result, err)
	}
}

func TestRealRebuildRepeatsRedrive(t *testing.T) {
	t.Parallel()
	testRebuildRepeatsRedrive(t, stacktest.Real(t))
}

func TestRebuildRepeatsRedrive(t *testing.T) {
	t.Parallel()
	testRebuildRepeatsRedrive(t, stacktest.Embedded(t))
}

// testRebuildRepeatsRedrive redrives what a newer program takes by the same
// rules. A rebuild by these rules must be the live rows, byte for byte; one by
// other rules, which takes the originals, must count each once as well, whether
// it came to the originals before they were redriven or after.
func testRebuildRepeatsRedrive(t *testing.T, stack *stacktest.Stack) {
	for batch, sameRules := range map[int]bool{1: false, 7: true, 1000: false} {
		g := narrowly(t, stack, batch)
		other, err := catalog.Parse("coins.yaml", []byte(generous))
		if err != nil {
			t.Fatal(err)
		}
		r := rebuilder(t, g)
		early := other // it has taken the originals already
		if sameRules {
			early = nil // it has rejected them
		}
		before := rebuilt(t, r, early)
		if before.Identical != sameRules {
			t.Fatalf("before: %+v", before)
		}
		text := strings.Replace(narrow, "[1, 5]", "[1, 20]", 1)
		mended, err := catalog.Parse("coins.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		g.SQL(`UPDATE `+g.Base()+`.catalog SET text = $1, rules_hash = $2 WHERE version = 1`, text, mended.RulesHash)
		g.Catalog = mended
		redrive(t, g)
		g.Drain()
		coins(t, g, "redriven")
		verified(t, g, "redriven")
		followed := compared(t, r)
		if _, err := r.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		if followed.Users != 0 || followed.Identical != sameRules {
			t.Errorf("batches of %d: a rebuild that followed: %+v", batch, followed)
		}
		if d := rebuilt(t, r, nil); !d.Identical {
			t.Errorf("batches of %d: a rebuild by the rules that hold: %+v", batch, d)
		}
		if _, err := r.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		later := rebuilt(t, r, other)
		for name, table := range later.Tables {
			if !sameRules && table.Beside != followed.Tables[name].Beside {
				t.Errorf("batches of %d: rebuilds that came before and after the redrive differ in table %s", batch, name)
			}
		}
		switched(t, g, r)
		g.Catalog = other
		g.Drain()
		coins(t, g, "by other rules")
		verified(t, g, "by other rules")
	}
}

// switched makes the rebuild what readers see.
func switched(t *testing.T, g *operatortest.Group, r *pipeline.Rebuilder) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	stop := g.Run(ctx)
	defer stop()
	g.Until(ctx, "it follows", func() bool {
		s, err := r.Status(ctx)
		return err == nil && s.State == projections.Following
	})
	if _, err := r.Switch(ctx, false, false); err != nil {
		t.Fatal(err)
	}
}

func TestRealRedriveBesides(t *testing.T) { t.Parallel(); testRedriveBesides(t, stacktest.Real(t)) }
func TestRedriveBesides(t *testing.T)     { t.Parallel(); testRedriveBesides(t, stacktest.Embedded(t)) }

// testRedriveBesides redrives what a rebuild has taken where it stands, which
// nobody should: each gift counts once all the same, live, by a recount, and in
// the next rebuild. What the rules before still reject is counted by nobody
// there.
func testRedriveBesides(t *testing.T, stack *stacktest.Stack) {
	g := narrowly(t, stack, 5)
	other, err := catalog.Parse("coins.yaml", []byte(generous))
	if err != nil {
		t.Fatal(err)
	}
	r := rebuilder(t, g)
	rebuilt(t, r, other)
	switched(t, g, r)
	g.Catalog = other
	redrive(t, g)
	g.Drain()
	coins(t, g, "redriven besides")
	verified(t, g, "redriven besides")
	before := compared(t, r) // the rules before
	if before.Users != 2 {
		t.Errorf("the rules before: %+v", before)
	}
	if _, err := r.Retire(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := rebuilt(t, r, nil); !d.Identical {
		t.Errorf("the next rebuild: %+v", d)
	}
}
