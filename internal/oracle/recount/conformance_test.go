package recount_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/conformance"
	"github.com/badgestream/badgestream/internal/oracle/recount"
)

const cases = "../../../processor/testdata/cases"

// TestConformance recounts every case of both catalogues, with no engine
// anywhere, and compares with the answers.
func TestConformance(t *testing.T) {
	all, err := conformance.Load(cases)
	if err != nil {
		t.Fatal(err)
	}
	perCatalog := map[string]int{}
	for _, c := range all {
		perCatalog[c.Catalog]++
		t.Run(c.Catalog+"/"+c.Name, func(t *testing.T) {
			t.Parallel()
			cat, err := catalog.Load(c.Catalog)
			if err != nil {
				t.Fatal(err)
			}
			got := recounted(t, cat, c.Events, nil)
			for _, diff := range slices.Concat(c.CheckAwards(got.awards), c.CheckProgress(got.progress, cat.System), c.CheckRejects(got.rejects)) {
				t.Error(diff)
			}
		})
	}
	if perCatalog["starview"] < 38 || perCatalog["stride"] < 8 {
		t.Errorf("there are %v cases, and there were 38 of Starview and 8 of Stride", perCatalog)
	}
}

// TestPassesAreTheWhole recounts the users of a case by halves: together they
// have what all of them have at once.
func TestPassesAreTheWhole(t *testing.T) {
	all, err := conformance.Load(cases)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		cat, err := catalog.Load(c.Catalog)
		if err != nil {
			t.Fatal(err)
		}
		even := func(user string) bool { return (len(user)+int(user[len(user)-1]))%2 == 0 }
		one := recounted(t, cat, c.Events, even)
		two := recounted(t, cat, c.Events, func(user string) bool { return !even(user) })
		for _, diff := range slices.Concat(c.CheckAwards(slices.Concat(one.awards, two.awards)), c.CheckProgress(slices.Concat(one.progress, two.progress), cat.System)) {
			t.Errorf("%s/%s by halves: %s", c.Catalog, c.Name, diff)
		}
	}
}

type result struct {
	awards, progress []byte
	rejects          []int64
}

// recounted counts the lines of a file as one partition.
func recounted(t *testing.T, cat *catalog.Catalog, events []byte, whose func(string) bool) (got result) {
	t.Helper()
	r := recount.New("g", cat, 1, whose)
	p := recount.Partition{Topic: "activity"}
	offset := int64(0)
	for line := range bytes.Lines(events) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		verdict, changes, _ := r.Record(&recount.Record{Partition: p, Offset: offset, Timestamp: math.MinInt64, Value: line})
		offset++
		switch verdict {
		case recount.Rejected:
			got.rejects = append(got.rejects, offset)
		case recount.Tick:
			_, changes = r.Step(p, true, math.MaxInt64, 0)
		}
		for i := range changes {
			got.awards = append(changes[i].AppendStructured(got.awards), '\n')
		}
	}
	users := r.Users()
	for _, name := range slices.Sorted(maps.Keys(users)) {
		line, err := json.Marshal(r.Progress(users[name]))
		if err != nil {
			t.Fatal(err)
		}
		got.progress = append(append(got.progress, line...), '\n')
	}
	return got
}
