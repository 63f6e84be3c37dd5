package mutants

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program is a module that its test knows all about but one line.
func program(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module program\n\ngo 1.24\n",
		"add.go": `package program

// Add adds.
func Add(a, b int) int {
	log("add")
	return a + b
}

func log(string) {}
`,
		"add_test.go": `package program

import "testing"

func TestAdd(t *testing.T) {
	if got := Add(2, 3); got != 5 {
		t.Errorf("2 and 3 are %d", got)
	}
}

func TestNothing(*testing.T) {}

func TestBroken(t *testing.T) { t.Error("broken as it is") }
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mutant(name, old, replacement string, stages ...Stage) Mutant {
	return Mutant{Name: name, Why: "somebody slept", Edits: []Edit{{"add.go", old, replacement}}, Caught: stages}
}

// TestRunner gives the runner a mutant of each kind.
func TestRunner(t *testing.T) {
	t.Parallel()
	dir := program(t)
	before, err := os.ReadFile(filepath.Join(dir, "add.go"))
	if err != nil {
		t.Fatal(err)
	}
	list := []Mutant{
		mutant("caught", "a + b", "a - b", tests(".", "TestAdd")),
		mutant("caught-late", "a + b", "a * b", tests(".", "TestNothing"), tests(".", "TestAdd")),
		mutant("survives", "log(\"add\")", "log(\"sub\")", tests(".", "TestAdd"), tests(".", "TestNothing")),
		mutant("twice", "log(", "print(", tests(".", "TestAdd")),
		mutant("gone", "a / b", "a - b", tests(".", "TestAdd")),
		mutant("unbuilt", "a + b", "a +", tests(".", "TestAdd")),
	}
	want := map[string]string{
		"caught": "", "caught-late": "", "survives": "survived", "twice": "stands 2 times, not once", "gone": "stands 0 times, not once",
		"unbuilt": "does not compile", "endless": "did not end within",
	}
	endless := []Mutant{mutant("endless", "log(\"add\")", "for a > 0 {\n}", tests(".", "TestAdd"))}
	r := &Runner{Trees: []string{dir}, Limit: time.Minute, Log: func(string) {}}
	if err := r.Baseline(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	got := map[string]Result{}
	keep := func(one Result) { got[one.Mutant.Name] = one }
	if err := r.Run(t.Context(), list, keep); err != nil {
		t.Fatal(err)
	}
	r.Limit = 2 * time.Second
	if err := r.Run(t.Context(), endless, keep); err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		switch one := got[name]; {
		case text == "" && (one.Err != nil || one.Test != "TestAdd" || !strings.HasPrefix(one.Said, "2 and 3 are ")):
			t.Errorf("%s was caught by %q, which said %q: %v", name, one.Test, one.Said, one.Err)
		case text != "" && (one.Err == nil || !strings.Contains(one.Err.Error(), text)):
			t.Errorf("%s: %v; want %q", name, one.Err, text)
		}
	}
	if after, err := os.ReadFile(filepath.Join(dir, "add.go")); err != nil || string(after) != string(before) {
		t.Errorf("the sources are left as\n%s, %v", after, err)
	}
}

// TestBaseline wants tests that fail by themselves, or that are not there, to
// be refused.
func TestBaseline(t *testing.T) {
	t.Parallel()
	r := &Runner{Trees: []string{program(t)}, Limit: time.Minute, Log: func(string) {}}
	for _, name := range []string{"TestBroken", "TestThatIsNot"} {
		err := r.Baseline(t.Context(), []Mutant{mutant("m", "a + b", "a - b", tests(".", name))})
		if err == nil || !strings.Contains(err.Error(), "does not pass") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTable updates a table twice: what was not run again stays.
func TestTable(t *testing.T) {
	list := []Mutant{mutant("one", "", ""), mutant("two", "", ""), mutant("three", "", "")}
	document := "# A\n\n" + tableBegins + "| former | x | y | z | 1 s |\n" + tableEnds + "\nafter\n"
	for _, results := range [][]Result{
		{{Mutant: &list[1], Test: "TestB", Said: "a | b"}, {Mutant: &list[2], Test: "TestC"}},
		{{Mutant: &list[0], Test: "TestA"}, {Mutant: &list[2], Err: survived(&list[2])}},
	} {
		var err error
		if document, err = Update(document, list, results); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := Rows(document)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || !strings.Contains(rows["three"], notRun) || !strings.Contains(rows["one"], "`TestA`") || !strings.Contains(rows["two"], `a \| b`) ||
		!strings.HasPrefix(document, "# A\n\n") || !strings.HasSuffix(document, "\nafter\n") || strings.Index(document, "| one |") > strings.Index(document, "| two |") {
		t.Errorf("the document is\n%s", document)
	}
	if _, err := Update("no table", list, nil); err == nil {
		t.Error("a document without a place for the table was written")
	}
}
