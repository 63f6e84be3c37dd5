package drift_test

import (
	"slices"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/drift"
)

func TestRealDecisions(t *testing.T) { t.Parallel(); testDecisions(t, stacktest.Real(t)) }
func TestDecisions(t *testing.T)     { t.Parallel(); testDecisions(t, stacktest.Embedded(t)) }

// testDecisions wants nothing amiss after many decisions of all kinds, also about
// users who pinned more badges than they may; and each kind to be missed that
// somebody takes out of a row, or adds to one.
func testDecisions(t *testing.T, stack *stacktest.Stack) {
	g := folded(t, stack, "starview")
	g.Produce(g.Decisions(5, anything(g.Catalog, 1, 200), 900)...)
	g.Drain()
	rejected := []string{drift.DeadLetters} // about badges that are not there
	if r := audit(t, config(g)); !slices.Equal(r.Failed(), rejected) {
		t.Fatalf("after decisions: %s", r)
	}
	table := g.Gen() + ".users"
	for what, change := range map[string]string{
		"granted":       `granted = granted[2:]`,
		"withheld":      `withheld = withheld[2:]`,
		"pinned_badges": `pinned_badges = pinned_badges[2:]`,
		"order of pins": `pinned_badges = pinned_badges[2:] || pinned_badges[1]`,
		"another pin":   `pinned_badges = pinned_badges || 32000::smallint`,
	} {
		// Of whom no more were ever pinned than there may be.
		where := ` WHERE id = (SELECT id FROM ` + table + ` t WHERE cardinality(granted) > 0 AND cardinality(withheld) > 0 AND cardinality(pinned_badges) > 1
  AND (SELECT count(DISTINCT badge) FROM ` + g.Base() + `.decision WHERE user_id = t.id AND verb IN ('pin', 'unpin')) <= 3 ORDER BY id LIMIT 1)`
		if what == "another pin" { // of whom more were
			where = ` WHERE id = (SELECT id FROM ` + table + ` t WHERE (SELECT count(DISTINCT badge) FROM ` + g.Base() + `.decision WHERE user_id = t.id AND verb = 'pin') > 3 ORDER BY id LIMIT 1)`
		}
		g.SQL(`CREATE TABLE was AS SELECT * FROM ` + table + where)
		g.SQL(`UPDATE ` + table + ` SET ` + change + where)
		if r := audit(t, config(g)); !slices.Contains(r.Failed(), drift.DecisionsFollowed) {
			t.Errorf("%s of a row was changed, and %v fail", what, r.Failed())
		}
		g.SQL(`UPDATE ` + table + ` u SET granted = was.granted, withheld = was.withheld, pinned_badges = was.pinned_badges FROM was WHERE was.id = u.id`)
		if _, err := g.Conn.Exec(t.Context(), `DROP TABLE was`); err != nil {
			t.Fatal(err)
		}
	}
	if r := audit(t, config(g)); !slices.Equal(r.Failed(), rejected) {
		t.Errorf("with all as it was: %s", r)
	}
}
