package oracle

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// Any text of a state file: what is taken can be gone on with, by all checks,
// and is written again as it was.
func FuzzState(f *testing.F) {
	report := newReport("g", 3, 10, checkNames())
	report.Find(AwardsOnce, "one of %d", 2)
	report.Looked(LagZero, 7)
	whole, err := json.Marshal(state{Topics: [3]string{"a", "b", "c"}, Tables: "00ff", Settled: true, Done: 2, Report: report})
	if err != nil {
		f.Fatal(err)
	}
	if _, ok := readState(whole); !ok {
		f.Fatalf("what was written is not taken: %s", whole)
	}
	f.Add(whole)
	for _, change := range [][2]string{
		{`"done":2`, `"done":4`}, {`"done":2`, `"done":-1`}, {LedgerTiles, LagZero}, {LedgerTiles, "other"}, {`"looked":7`, `"looked":-7`}, {`"failed":1`, `"failed":0`},
	} {
		broken := strings.Replace(string(whole), change[0], change[1], 1)
		if _, ok := readState([]byte(broken)); ok || broken == string(whole) {
			f.Errorf("with %s it is taken", change[1])
		}
		f.Add([]byte(broken))
	}
	f.Add([]byte(`{"report":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, ok := readState(text)
		if !ok {
			return
		}
		written, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if again, ok := readState(written); !ok || again.Done != s.Done || again.Report.String() != s.Report.String() {
			t.Errorf("read %+v; written and read again %+v, %t", s, again, ok)
		}
		for i, name := range checkNames() {
			before := s.Report.Checks[i].Failed
			s.Report.Looked(name, 1)
			if s.Report.Find(name, "amiss"); !slices.Contains(s.Report.Failed(), name) || s.Report.Checks[i].Failed != before+1 {
				t.Errorf("%s failed, and the report has not noticed", name)
			}
		}
	})
}

// Any note of a committed offset: the oracle takes what the engine writes, to
// the letter.
func FuzzNote(f *testing.F) {
	for _, note := range []string{"", "seeded", "step=0 ordinal=0", "step=1 ordinal=2000", "step=1 ordinal=2x", "step=-1 ordinal=0", "step= 1 ordinal=1"} {
		f.Add(note)
	}
	f.Fuzz(func(t *testing.T, note string) {
		at, ok := noted(17, note)
		if !ok {
			return
		}
		if at.Offset != 17 || at.Step < 0 || at.Ordinal < 0 || strings.TrimLeft(note, "abcdeilnoprst=0123456789 ") != "" || strings.Count(note, " ") > 1 {
			t.Errorf("%q is read as %+v", note, at)
		}
	})
}
