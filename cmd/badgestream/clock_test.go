package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWallClockIsReadInFewPlaces lists, for what runs in production, the
// functions that call time.Now, and whether they only measure how long
// something took, which a clock that jumps does not change. docs/reliability.md
// says what a jump does to the others: who adds one says so there.
func TestWallClockIsReadInFewPlaces(t *testing.T) {
	const measures, tells = "measures", "tells"
	known := map[string]string{
		"internal/pipeline/beside.go report":            measures,
		"internal/pipeline/beside_rows.go flush":        measures,
		"internal/pipeline/beside_rows.go tick":         measures,
		"internal/pipeline/beside_rows.go yield":        measures,
		"internal/pipeline/engine.go keepWorking":       measures,
		"internal/pipeline/pace.go folded":              measures,
		"internal/pipeline/rebuild_diff.go standstill":  measures,
		"internal/control/control.go Folded":            measures,
		"internal/control/control.go Write":             tells, // when a switch, a decision or an erasure was asked for
		"internal/pipeline/fold.go fold":                measures,
		"internal/pipeline/poll.go poll":                measures,
		"internal/pipeline/position.go patiently":       measures,
		"internal/pipeline/presence.go announce":        measures,
		"internal/pipeline/publish.go publish":          tells, // last, for the summary
		"internal/pipeline/read.go settledEnds":         measures,
		"internal/pipeline/snapshots.go refresh":        measures,
		"internal/pipeline/snapshots.go writeSnapshots": measures,
		"internal/pipeline/ticker.go tick":              tells, // what time it is
		"internal/pipeline/work.go work":                tells, // first, for the summary
		"internal/telemetry/health.go set":              tells, // since
		"projections/bulk.go folded":                    measures,
		"internal/telemetry/partitions.go SetLag":       measures,
		"internal/telemetry/types.go SawTypes":          tells, // silence
	}
	seen := map[string]bool{}
	for _, dir := range []string{"schemas", "processor", "projections", "internal/catalog", "internal/control", "internal/pipeline", "internal/telemetry"} {
		err := filepath.WalkDir(filepath.Join(repository, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(repository, path)
			if err != nil {
				return err
			}
			for _, function := range readersOfTheClock(file) {
				seen[filepath.ToSlash(name)+" "+function] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for place := range seen {
		if known[place] == "" {
			t.Errorf("%s reads the wall clock: say in docs/reliability.md what a jump does there", place)
		}
	}
	for place := range known {
		if !seen[place] {
			t.Errorf("%s does not read the wall clock any more", place)
		}
	}
}

// readersOfTheClock are the functions of a file that call time.Now.
func readersOfTheClock(file *ast.File) []string {
	var names []string
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := call.X.(*ast.Ident); ok && pkg.Name == "time" && call.Sel.Name == "Now" && !slices.Contains(names, f.Name.Name) {
				names = append(names, f.Name.Name)
			}
			return true
		})
	}
	return names
}
