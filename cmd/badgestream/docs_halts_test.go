package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestHaltsAreExplained wants the beginning of every halt's sentence in the
// table of halts, so that who is woken by one finds what to do.
func TestHaltsAreExplained(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(repository, "internal/pipeline/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	text := document(t, "docs/operations.md")
	halts := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sentence := haltText(n)
			if sentence == "" {
				return true
			}
			halts++
			sentence, _, _ = strings.Cut(sentence, ": ")
			sentence, _, _ = strings.Cut(sentence, " (")
			pattern := regexp.MustCompile(`%[sdqv]`).ReplaceAllString(regexp.QuoteMeta(sentence), `\S+`)
			if !regexp.MustCompile("`" + pattern).MatchString(text) {
				t.Errorf("%s halts with %q, which docs/operations.md does not explain", filepath.Base(name), sentence)
			}
			return true
		})
	}
	if halts < 10 {
		t.Fatalf("only %d halts were found: this tests nothing", halts)
	}
}

// haltText is the sentence of a call of halt, or of the error in a haltError.
func haltText(n ast.Node) string {
	var args []ast.Expr
	switch n := n.(type) {
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "halt" {
			args = n.Args
		}
	case *ast.CompositeLit:
		if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "haltError" && len(n.Elts) == 1 {
			if wrap, ok := n.Elts[0].(*ast.CallExpr); ok {
				args = wrap.Args
			}
		}
	}
	for _, a := range args {
		if text, ok := a.(*ast.BasicLit); ok && text.Kind == token.STRING {
			if sentence, err := strconv.Unquote(text.Value); err == nil {
				return sentence
			}
		}
	}
	return ""
}
