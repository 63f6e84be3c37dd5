package explain_test

import (
	"fmt"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/explain"
	"github.com/badgestream/badgestream/internal/operatortest"
)

// BenchmarkExplain explains users of a group with a million rows of history.
func BenchmarkExplain(b *testing.B) {
	g := operatortest.Found(b, stacktest.Embedded(b), "starview", 1)
	g.SQL(`INSERT INTO ` + g.Gen() + `.users (id, version, location_visits) SELECT 'user-' || n, 40, 12 FROM generate_series(0, 99999) n`)
	g.SQL(`INSERT INTO ` + g.Base() + `.history (topic, partition, "offset", ordinal, user_id, badge, category, criterion, tier, revoked, at, earned_at, event_id, event_source, counters, user_version, catalog_version, reason)
SELECT 'activity', 0, n, 0, 'user-' || n % 100000, b.slug, b.category, b.criterion, b.tier, false, now(), now(), 'e' || n, '/s', '{"location_visits":12}', n / 100000, 1, 'activity'
FROM generate_series(0, 999999) n JOIN ` + g.Base() + `.badge b ON b.id = n / 100000`)
	if _, err := g.Conn.Exec(b.Context(), "ANALYZE"); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		e, err := explain.Explain(b.Context(), g.Store, fmt.Sprintf("user-%d", i*7919%100000), "")
		if err != nil || len(e.Badges) != 27 || e.Badges[0].Awards != 1 && e.Badges[1].Awards != 1 && e.Badges[2].Awards != 1 {
			b.Fatalf("%+v, %v", e, err)
		}
	}
}
