package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const cases = "../../processor/testdata/cases"

// TestManifestGuards copies the cases, spoils the copy in each way that must
// be noticed, and loads it.
func TestManifestGuards(t *testing.T) {
	spoil := map[string]func(dir string) error{
		"a file is missing": func(dir string) error { return os.Remove(filepath.Join(dir, "starview/visits-basic/awards.ndjson")) },
		"a case is missing": func(dir string) error { return os.RemoveAll(filepath.Join(dir, "starview/vote-flip")) },
		"a file is altered": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "starview/visits-basic/events.ndjson"), []byte("{}\n"), 0o644)
		},
		"a case is unknown": func(dir string) error {
			return os.CopyFS(filepath.Join(dir, "starview/vote-flop"), os.DirFS(filepath.Join(dir, "starview/vote-flip")))
		},
	}
	for name, damage := range spoil {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(cases)); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(dir); err != nil {
				t.Fatalf("the cases as they are: %v", err)
			}
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(dir); err == nil {
				t.Error("nobody noticed")
			}
		})
	}
}

const (
	awardLine    = `{"type":"badgestream.badge.awarded","subject":"u1","time":"2026-03-01T12:00:01.000Z","data":{"badge":"a","cause":{"id":"e1"}}}`
	revokedLine  = `{"type":"badgestream.badge.revoked","subject":"u1","time":"2026-03-01T12:00:02.000Z","data":{"badge":"a","cause":{"id":"e2"}}}`
	progressLine = `{"user":"u1","counters":{"n":2},"earned":[{"badge":"a","earned_at":"2026-03-01T12:00:01.000Z"}],"in_progress":[{"badge":"b","value":2,"threshold":5,"percent":40}],"locked":["c"]}`
)

func TestDifferencesAreSeen(t *testing.T) {
	c := Case{awards: []byte(awardLine + "\n" + revokedLine + "\n"), progress: []byte(progressLine + "\n"), rejects: []byte("2\n3 ?\n")}
	awards := func(text string) []string { return c.CheckAwards([]byte(text)) }
	state := func(text string) []string { return c.CheckProgress([]byte(text), map[string]struct{}{"sys": {}}) }
	replace := strings.NewReplacer
	for name, tc := range map[string]struct {
		diffs []string
		equal bool
	}{
		"same awards":              {awards(awardLine + "\n\n" + revokedLine), true},
		"other types are nothing":  {awards(awardLine + "\n" + `{"type":"else"}` + "\n" + revokedLine), true},
		"same instant":             {awards(replace("12:00:01.000Z", "13:00:01+01:00").Replace(awardLine) + "\n" + revokedLine), true},
		"another instant":          {awards(replace(":01.000Z", ":01.001Z").Replace(awardLine) + "\n" + revokedLine), false},
		"another order":            {awards(revokedLine + "\n" + awardLine), false},
		"one missing":              {awards(awardLine), false},
		"one twice":                {awards(awardLine + "\n" + revokedLine + "\n" + revokedLine), false},
		"another cause":            {awards(replace("e1", "e9").Replace(awardLine) + "\n" + revokedLine), false},
		"another user's":           {awards(replace("u1", "u2").Replace(awardLine) + "\n" + revokedLine), false},
		"no JSON":                  {awards("x"), false},
		"same progress":            {state(progressLine), true},
		"more counters":            {state(replace(`"n":2`, `"m":1,"n":2`).Replace(progressLine)), true},
		"a counter is missing":     {state(replace(`"n":2`, `"m":2`).Replace(progressLine)), false},
		"another counter":          {state(replace(`"n":2`, `"n":3`).Replace(progressLine)), false},
		"another earned_at":        {state(replace(":01.000Z", ":01.5Z").Replace(progressLine)), false},
		"another percent":          {state(replace("40", "41").Replace(progressLine)), false},
		"another lock":             {state(replace(`["c"]`, `["d"]`).Replace(progressLine)), false},
		"a zero user more":         {state(progressLine + "\n" + `{"user":"u2","counters":{"n":0},"earned":[],"in_progress":[],"locked":["a"]}`), true},
		"a user of other counters": {state(progressLine + "\n" + `{"user":"u2","counters":{"days":9},"earned":[]}`), true},
		"a user more":              {state(progressLine + "\n" + `{"user":"u2","counters":{"n":1},"earned":[],"in_progress":[],"locked":["a"]}`), false},
		"a user twice":             {state(progressLine + "\n" + progressLine), false},
		"nobody":                   {state(""), false},
		"system counts":            {state(progressLine + "\n" + `{"user":"sys","counters":{"n":7},"earned":[]}`), true},
		"system earns":             {state(progressLine + "\n" + `{"user":"sys","counters":{"n":7},"earned":[{"badge":"a","earned_at":"2026-03-01T12:00:01Z"}]}`), false},
		"rejects":                  {c.CheckRejects([]int64{2}), true},
		"rejects that may be":      {c.CheckRejects([]int64{2, 3}), true},
		"a reject is missing":      {c.CheckRejects(nil), false},
		"a reject too many":        {c.CheckRejects([]int64{2, 4}), false},
		"rejects where none is":    {(&Case{}).CheckRejects([]int64{1}), false},
		"no rejects where none is": {(&Case{}).CheckRejects(nil), true},
	} {
		if equal := len(tc.diffs) == 0; equal != tc.equal {
			t.Errorf("%s: equal is %v, want %v: %v", name, equal, tc.equal, tc.diffs)
		}
	}
}
