package mutants

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// repository is the root of the module, from here.
const repository = "../../.."

// TestMutantsApply makes each mutant's edits in a copy of its files, as the
// sources are today. Whether tests catch it takes longer to see: the command
// does that.
func TestMutantsApply(t *testing.T) {
	list := All()
	if len(list) < 20 {
		t.Errorf("%d mutants, want 20 at least", len(list))
	}
	names := map[string]bool{}
	for i := range list {
		m := &list[i]
		if names[m.Name] || !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(m.Name) || m.Why == "" || len(m.Edits) == 0 || len(m.Caught) == 0 {
			t.Errorf("mutant %q: its name is taken or no name, or it lacks a reason, edits or tests", m.Name)
		}
		names[m.Name] = true
		dir := t.TempDir()
		for _, e := range m.Edits {
			if err := copyFile(filepath.Join(repository, e.File), filepath.Join(dir, e.File)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := mutate(dir, m); err != nil {
			t.Error(err)
		}
	}
}

// TestMutantsNameTests looks for the tests that shall catch them: a name that
// is no test's would be passed over in silence.
func TestMutantsNameTests(t *testing.T) {
	for _, s := range together(All()) {
		files, err := filepath.Glob(filepath.Join(repository, s.Package, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text.Write(b)
		}
		for _, name := range s.Tests {
			if !strings.Contains(text.String(), "\nfunc "+name+"(t *testing.T)") {
				t.Errorf("%s has no test %s", s.Package, name)
			}
		}
	}
}

// TestMutantsAreTold wants the table of docs/reliability.md to have a row of each
// mutant, as its command writes it, and no other.
func TestMutantsAreTold(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs/reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := Rows(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range All() {
		if !strings.Contains(rows[m.Name], " "+cell(m.Why, 1000)+" ") {
			t.Errorf("docs/reliability.md does not tell of mutant %s as it is: go run ./internal/faults/cmd/mutants --only '^%s$' --markdown docs/reliability.md", m.Name, m.Name)
		}
		delete(rows, m.Name)
	}
	for name := range rows {
		t.Errorf("docs/reliability.md tells of mutant %s, which is no more", name)
	}
}
