package differential_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/differential"
	"github.com/badgestream/badgestream/internal/oracle/recount"
)

// count counts the log with the oracle, one record at a time.
func count(t *testing.T, cat *catalog.Catalog, log []*differential.Record) *result {
	t.Helper()
	r := recount.New(group, cat, 1, nil)
	got := &result{counters: map[string]map[string]int64{}}
	for _, rec := range log {
		p := recount.Partition{Topic: topic, Partition: rec.Partition}
		verdict, changes, why := r.Record(&recount.Record{Partition: p, Offset: rec.Offset, Timestamp: rec.Timestamp, Key: rec.Key, Value: rec.Value, Headers: rec.Headers})
		got.verdicts = append(got.verdicts, []string{"counted", "duplicate", "unknown", "tick", "rejected"}[verdict])
		switch verdict {
		case recount.Rejected:
			got.rejects = append(got.rejects, fmt.Sprintf("%d/%d %s", rec.Partition, rec.Offset, why.Reason))
		case recount.Tick:
			if _, changes = r.Step(p, true, math.MaxInt64, 0); r.Left(p) {
				t.Errorf("the tick at %d/%d leaves somebody who is due", rec.Partition, rec.Offset)
			}
		}
		for i := range changes {
			got.history = append(got.history, string(changes[i].AppendStructured(nil)))
		}
	}
	for name, u := range r.Users() {
		for key, row := range u.Rows {
			at := row.At
			if col := &cat.Collections[key.Collection]; !col.ByTime {
				at = 0
			}
			got.row("member", name, key.Collection, key.Entity, key.Member, row.State, at)
		}
		for key, thing := range u.Things {
			if thing.State != 0 || thing.Sums != [catalog.MaxSums]int64{} {
				got.row("thing", name, key.Collection, key.Thing, thing.State, thing.Sums)
			}
		}
		if u.Version > 0 {
			s := r.Snapshot(u, 0, cat, 0)
			got.user(cat, name, u.Version, u.Counters, &s, r.Progress(u))
		}
	}
	for i := range cat.Collections {
		if cat.Collections[i].Kind == catalog.First {
			got.row("places", i, r.Places(i))
		}
	}
	got.row("clock", r.Clock())
	got.sort()
	return got
}
