package main

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
)

// target is one fuzz function.
type target struct {
	dir, pkg, name string
}

func (t target) String() string { return t.pkg + " " + t.name }

// targets lists the module's fuzz functions, as its test files declare them:
// nothing need be compiled for that.
func targets(ctx context.Context) ([]target, error) {
	const format = "{{.ImportPath}}\t{{.Dir}}\t{{join .TestGoFiles \"\\t\"}}\t{{join .XTestGoFiles \"\\t\"}}"
	out, err := exec.CommandContext(ctx, "go", "list", "-f", format, "./...").Output()
	if err != nil {
		return nil, errors.Wrap(err, "list the packages: run this in the module's directory")
	}
	module, err := exec.CommandContext(ctx, "go", "list", "-m").Output()
	if err != nil {
		return nil, errors.Wrap(err, "name the module")
	}
	var all []target
	for line := range strings.Lines(string(out)) {
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		pkg := strings.TrimPrefix(parts[0], strings.TrimSpace(string(module))+"/")
		for _, file := range parts[2:] {
			if file == "" {
				continue
			}
			names, err := fuzzFunctions(filepath.Join(parts[1], file))
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				all = append(all, target{dir: parts[1], pkg: pkg, name: name})
			}
		}
	}
	return all, nil
}

func fuzzFunctions(file string) (names []string, err error) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, errors.Wrapf(err, "parse %s", file)
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Fuzz") {
			names = append(names, fn.Name.Name)
		}
	}
	return names, nil
}

// outcome is what came of fuzzing one target.
type outcome struct {
	executions int64
	took       time.Duration // with the time to build it
	output     []byte
	err        error
}

func (o *outcome) verdict() string {
	if o.err != nil {
		return "FAILS"
	}
	return "holds"
}

func (t target) fuzz(ctx context.Context, each time.Duration) *outcome {
	began := time.Now()
	// Making each interesting input small would take most of the time: a minute
	// of both workers, unless it is told otherwise.
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", each.String(), "-fuzzminimizetime", "100x", ".")
	cmd.Dir = t.dir
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	o := &outcome{took: time.Since(began), output: out.Bytes(), err: err}
	// This is how the go command tells how many inputs it has tried.
	executed := regexp.MustCompile(`execs: (\d+)`)
	for _, m := range executed.FindAllSubmatch(out.Bytes(), -1) {
		if n, err := strconv.ParseInt(string(m[1]), 10, 64); err == nil {
			o.executions = max(o.executions, n)
		}
	}
	return o
}
