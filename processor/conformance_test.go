package processor_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/conformance"
	"github.com/badgestream/badgestream/internal/simulation"
	"github.com/badgestream/badgestream/schemas"
)

// starviewCases is how many there are, 36 from upstream and 2 of our own: none
// may get lost.
const starviewCases = 38

// result is all that a simulation gives.
type result struct {
	awards, progress []byte
	rejects          []int64
}

func TestConformance(t *testing.T) {
	cases, err := conformance.Load("testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(slices.DeleteFunc(slices.Clone(cases), func(c conformance.Case) bool { return c.Catalog != "starview" })); n != starviewCases {
		t.Fatalf("%d cases of Starview, want %d", n, starviewCases)
	}
	for _, c := range cases {
		t.Run(c.Catalog+"/"+c.Name, func(t *testing.T) {
			t.Parallel()
			cat := load(t, c.Catalog)
			first := simulate(t, cat, c.Events, 1)
			for _, diff := range slices.Concat(c.CheckAwards(first.awards), c.CheckProgress(first.progress, cat.System), c.CheckRejects(first.rejects)) {
				t.Error(diff)
			}
			for _, size := range []int{2, 7, 100, 100_000} {
				expectSame(t, fmt.Sprintf("batches of %d", size), first, simulate(t, cat, c.Events, size))
			}
		})
	}
}

func load(t *testing.T, name string) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func simulate(t *testing.T, cat *catalog.Catalog, events []byte, batch int) result {
	t.Helper()
	var r result
	var awards, progress bytes.Buffer
	sim := simulation.New(simulation.Config{Catalog: cat, Batch: batch, Group: "badgestream", Topic: "activity"},
		simulation.Output{Badges: &awards, Rejected: func(line int64, _ *schemas.Reject) error {
			r.rejects = append(r.rejects, line)
			return nil
		}})
	if _, err := sim.Run(t.Context(), bytes.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	if err := sim.WriteProgress(&progress); err != nil {
		t.Fatal(err)
	}
	r.awards, r.progress = awards.Bytes(), progress.Bytes()
	return r
}

// expectSame wants the very same bytes.
func expectSame(t *testing.T, what string, want, got result) {
	t.Helper()
	expectLines(t, what+": awards", want.awards, got.awards)
	expectLines(t, what+": progress", want.progress, got.progress)
	if !slices.Equal(want.rejects, got.rejects) {
		t.Errorf("%s: rejects are %v, want %v", what, got.rejects, want.rejects)
	}
}

func expectLines(t *testing.T, what string, want, got []byte) {
	t.Helper()
	if bytes.Equal(want, got) {
		return
	}
	w, g := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	for i := range max(len(w), len(g)) {
		if i >= len(w) || i >= len(g) || !bytes.Equal(w[i], g[i]) {
			t.Errorf("%s differ from line %d on (%d lines, want %d)\n got %s\nwant %s", what, i+1, len(g), len(w), lineAt(g, i), lineAt(w, i))
			return
		}
	}
}

func lineAt(lines [][]byte, i int) []byte {
	if i < len(lines) {
		return lines[i]
	}
	return []byte("nothing more")
}
