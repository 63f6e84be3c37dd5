package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/badgestream/badgestream/internal/settings"
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

// TestNamedTestsExist wants every test that a document names.
func TestNamedTestsExist(t *testing.T) {
	tests := map[string]bool{}
	err := filepath.WalkDir(repository, func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(readFile(t, path), -1) {
			tests[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range documents(t) {
		for _, m := range regexp.MustCompile("`(Test[A-Z]\\w+)`").FindAllStringSubmatch(readFile(t, doc), -1) {
			if !tests[m[1]] {
				t.Errorf("%s names %s, and there is no such test", doc, m[1])
			}
		}
	}
}
