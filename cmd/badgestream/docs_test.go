package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/feed"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/schemas"
)

const repository = "../.."

// documents are all Markdown files that people read, by path from here.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(repository, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) < 10 {
		t.Fatalf("only %d documents are there: %v", len(all), all)
	}
	return all
}

func document(t *testing.T, name string) string {
	t.Helper()
	return readFile(t, filepath.Join(repository, name))
}

var (
	codeBlock = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	link      = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)
	heading   = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// blocks are the code blocks of a document that are of a language.
func blocks(text, language string) []string {
	var found []string
	for _, m := range codeBlock.FindAllStringSubmatch(text, -1) {
		if m[1] == language {
			found = append(found, m[2])
		}
	}
	return found
}

// anchors are the headings of a document as links name them.
func anchors(text string) []string {
	var names []string
	for _, m := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', r >= 'a' && r <= 'z', r >= '0' && r <= '9':
				return r
			}
			return -1
		}, strings.ToLower(m[1]))
		names = append(names, name)
	}
	return names
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, doc := range documents(t) {
		text := readFile(t, doc)
		for _, m := range link.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			target := doc
			if path != "" {
				target = filepath.Join(filepath.Dir(doc), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link %s leads nowhere: %v", doc, m[1], err)
			} else if anchor != "" && !slices.Contains(anchors(readFile(t, target)), anchor) {
				t.Errorf("%s: the link %s names no heading of %s", doc, m[1], target)
			}
		}
	}
}

// TestSettingsAreDocumented compares the table of settings with the flags.
func TestSettingsAreDocumented(t *testing.T) {
	var s settings.Settings
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	s.Bind(flags)
	documented := map[string][]string{}
	for line := range strings.Lines(document(t, "docs/operations.md")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 5 || !strings.HasPrefix(strings.TrimSpace(cells[0]), "`--") {
			continue
		}
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		documented[strings.TrimPrefix(cells[0], "--")] = cells
	}
	flags.VisitAll(func(f *pflag.Flag) {
		key := f.Name
		if key == "config" {
			key = "" // a file does not name another
		}
		want := []string{"--" + f.Name, settings.Variable(f.Name), key, f.DefValue}
		if got := documented[f.Name]; got == nil || !slices.Equal(got[:4], want) || got[4] == "" {
			t.Errorf("docs/operations.md has %q of the setting %s, want %q and a meaning", got, f.Name, want)
		}
		delete(documented, f.Name)
	})
	for name := range documented {
		t.Errorf("docs/operations.md has a setting %s, which is none", name)
	}
}

func TestCommandsAreListed(t *testing.T) {
	var s settings.Settings
	readme := document(t, "README.md")
	for _, c := range newRoot(&s).Commands() {
		if c.IsAvailableCommand() && !strings.Contains(readme, "| `"+c.CommandPath()+"` |") {
			t.Errorf("README.md does not list %s", c.CommandPath())
		}
	}
	for _, m := range regexp.MustCompile("\\| `badgestream ([a-z]+)").FindAllStringSubmatch(readme, -1) {
		if c, _, err := newRoot(&s).Find(m[1:]); err != nil || c.Name() != m[1] {
			t.Errorf("README.md lists a command %s, which is none", m[1])
		}
	}
}

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
			sentence, _, _ = strings.Cut(sentence, ", which counts")
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

// TestExamplesAreReal reads the events, badge events and snapshots that the
// documents show, and wants the very bytes that would be written.
func TestExamplesAreReal(t *testing.T) {
	cat, err := catalog.Load("starview")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, name := range []string{"README.md", "docs/integration.md"} {
		for _, block := range blocks(document(t, name), "json") {
			var text bytes.Buffer
			if err := json.Compact(&text, []byte(block)); err != nil {
				t.Errorf("%s shows what is no JSON: %v\n%s", name, err, block)
				continue
			}
			kind, again := readExample(t, cat, text.Bytes())
			if kinds[kind]++; again != text.String() {
				t.Errorf("%s shows a %s\n%s\nwhere it should be\n%s", name, kind, text.String(), again)
			}
		}
	}
	if kinds["activity event"] == 0 || kinds["badge event"] == 0 || kinds["snapshot"] != 2 {
		t.Errorf("the examples are %v", kinds)
	}
}

// readExample reads an example and writes it again.
func readExample(t *testing.T, cat *catalog.Catalog, text []byte) (kind, again string) {
	t.Helper()
	switch {
	case bytes.HasPrefix(text, []byte(`{"order"`)):
		s, err := schemas.ParseSnapshot(text)
		if err != nil {
			t.Fatal(err)
		}
		return "snapshot", string(s.Append(nil))
	case bytes.Contains(text, []byte(`"badgestream.badge.`)):
		var e schemas.BadgeEvent
		if err := schemas.DecodeBadgeEvent[schemas.Header](nil, text, &e); err != nil {
			t.Fatal(err)
		}
		return "badge event", string(e.AppendStructured(nil))
	case bytes.HasPrefix(text, []byte(`{"specversion"`)):
		var ev schemas.Event
		if err := feed.Check(cat, text, &ev); err != nil {
			t.Fatal(err)
		}
		return "activity event", string(text)
	}
	var view schemas.CatalogView
	if err := json.Unmarshal(text, &view); err != nil {
		t.Fatal(err)
	}
	again = string(text)
	if b := cat.View(int(view.Version)).Badges[0]; fmt.Sprint(b) != fmt.Sprint(view.Badges[0]) {
		again = fmt.Sprint(b)
	}
	return "catalogue's view", again
}

// TestReadmeDefinesABadge compiles the catalogue of the README, with the events
// that it names.
func TestReadmeDefinesABadge(t *testing.T) {
	for _, block := range blocks(document(t, "README.md"), "yaml") {
		text := "name: readme\nevents: {starview.location.visited: {location: id}, starview.location.unvisited: {location: id}}\n" + block
		cat, err := catalog.Parse("README.md", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(cat.Badges) != 1 || cat.Badges[0].Slug != "explorer" {
			t.Errorf("its badges are %+v", cat.Badges)
		}
	}
}
