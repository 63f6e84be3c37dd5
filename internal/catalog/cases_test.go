package catalog

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/schemas"
)

const casesDir = "../../processor/testdata/cases"

// TestShippedCatalogsMeetTheirCases folds every case of every shipped
// catalogue plainly: what the file says in its rules must be what the cases
// say by hand.
func TestShippedCatalogsMeetTheirCases(t *testing.T) {
	for _, name := range schemas.CatalogNames() {
		cat, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		dirs, err := filepath.Glob(filepath.Join(casesDir, name, "*"))
		if err != nil || len(dirs) < 8 {
			t.Fatalf("catalogue %s has %d cases (%v), at least 8 are wanted", name, len(dirs), err)
		}
		for _, dir := range dirs {
			t.Run(name+"/"+filepath.Base(dir), func(t *testing.T) { checkCase(t, cat, dir) })
		}
	}
}

func checkCase(t *testing.T, cat *Catalog, dir string) {
	f := newPlainFold(cat)
	rejects := map[string]bool{}
	for _, line := range strings.Fields(strings.ReplaceAll(string(caseFile(t, dir, "rejects.txt")), " ?", "?")) {
		rejects[line] = true
	}
	for i, line := range bytes.Split(bytes.TrimSuffix(caseFile(t, dir, "events.ndjson"), []byte("\n")), []byte("\n")) {
		n := fmt.Sprint(i + 1)
		if ok := f.line(line); ok == rejects[n] && !rejects[n+"?"] {
			t.Errorf("line %s: accepted is %v, want %v", n, ok, !ok)
		}
	}
	if got, want := f.awardLines(), expectedAwards(t, caseFile(t, dir, "awards.ndjson")); !slices.Equal(got, want) {
		t.Errorf("awards differ\n%s", firstDifference(got, want))
	}
	f.checkProgress(t, caseFile(t, dir, "progress.ndjson"))
}

// awardLines prints the awards as expectedAwards does, each user's in their
// order.
func (f *plainFold) awardLines() []string {
	var out []string
	for _, a := range f.awards {
		kind := schemas.AwardedType
		if a.revoked {
			kind = schemas.RevokedType
		}
		out = append(out, fmt.Sprint(a.user, " ", kind, " ", a.badge, " ", a.event, " ", time.UnixMicro(a.at).UTC()))
	}
	slices.SortStableFunc(out, func(a, b string) int { return strings.Compare(user(a), user(b)) })
	return out
}

func user(line string) string { u, _, _ := strings.Cut(line, " badgestream."); return u }

func expectedAwards(t *testing.T, text []byte) []string {
	var out []string
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		var a struct {
			Type, Subject string
			Time          time.Time
			Data          struct {
				Badge string
				Cause struct{ ID string }
			}
		}
		if err := d.Decode(&a); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(a.Subject, " ", a.Type, " ", a.Data.Badge, " ", a.Data.Cause.ID, " ", a.Time.UTC()))
	}
	slices.SortStableFunc(out, func(a, b string) int { return strings.Compare(user(a), user(b)) })
	return out
}

// checkProgress compares counters and badges held. In progress and locked are
// the processor's to test.
func (f *plainFold) checkProgress(t *testing.T, text []byte) {
	listed := map[string]bool{}
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		var p struct {
			User     string
			Counters map[string]int64
			Earned   []struct {
				Badge    string
				EarnedAt time.Time `json:"earned_at"`
			}
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		listed[p.User] = true
		u := f.users[p.User]
		if u == nil {
			u = &plainUser{}
		}
		got := f.counters(u)
		for name, want := range p.Counters {
			if i := f.cat.CounterIndex(name); i == None || got[i] != want {
				t.Errorf("%s: %s is %v, want %d", p.User, name, got, want)
			}
		}
		if len(u.held) != len(p.Earned) {
			t.Errorf("%s holds %v, want %v", p.User, u.held, p.Earned)
		}
		for _, e := range p.Earned {
			if at := u.held[f.cat.BadgeIndex(e.Badge)]; at != e.EarnedAt.UnixMicro() {
				t.Errorf("%s: %s was earned at %d, want %d", p.User, e.Badge, at, e.EarnedAt.UnixMicro())
			}
		}
	}
	for name, u := range f.users {
		if !listed[name] && len(u.held) > 0 {
			t.Errorf("%s holds %v, and is not in progress.ndjson", name, u.held)
		}
	}
}

// caseFile reads a file of a case, compressed or not, empty if there is none.
func caseFile(t *testing.T, dir, name string) []byte {
	if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
		return text
	}
	packed, err := os.Open(filepath.Join(dir, name+".gz"))
	if err != nil {
		if name != "rejects.txt" {
			t.Fatal(err)
		}
		return nil
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		at := func(list []string) string {
			if i < len(list) {
				return list[i]
			}
			return "nothing more"
		}
		if at(got) != at(want) {
			return fmt.Sprintf("at %d\n got %s\nwant %s", i, at(got), at(want))
		}
	}
	return ""
}
