package catalog

import (
	"os"
	"strings"
	"testing"
)

// TestDocs compiles every example of docs/catalog.md: the first is a whole
// catalogue, and the others are put into it.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/catalog.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "```yaml\n")[1:]
	if len(parts) < 12 {
		t.Fatalf("%d examples, at least 12 are wanted", len(parts))
	}
	whole, _, _ := strings.Cut(parts[0], "```")
	for i, part := range parts {
		example, _, _ := strings.Cut(part, "```")
		file := whole
		if i > 0 {
			file = into(whole, example)
		}
		if _, err := Parse("example.yaml", []byte(file)); err != nil {
			t.Errorf("example %d:\n%s\n%v", i+1, example, err)
		}
	}
}

// TestDocsMistakes makes the mistakes that docs/catalog.md shows, and wants the
// messages that it prints.
func TestDocsMistakes(t *testing.T) {
	text, err := os.ReadFile("../../docs/catalog.md")
	if err != nil {
		t.Fatal(err)
	}
	_, whole, _ := strings.Cut(string(text), "```yaml\n")
	whole, _, _ = strings.Cut(whole, "```")
	for _, pair := range [][2]string{{"things: recipe}", "things: recipes}"}, {"counter: recipes", "counter: recipies"}, {"at_least: 1}", "at_least: 0}"}} {
		whole = strings.Replace(whole, pair[0], pair[1], 1)
	}
	_, err = Parse("supper.yaml", []byte(whole))
	if err == nil {
		t.Fatal("the mistakes are none")
	}
	if shown := "    " + strings.ReplaceAll(err.Error(), "\n", "\n    ") + "\n"; !strings.Contains(string(text), shown) {
		t.Errorf("the page does not show\n%s", shown)
	}
}

// into puts the sections of an example into a catalogue: under the section of
// the same name, or as a section of its own. A head replaces the head.
func into(whole, example string) string {
	for section := range strings.SplitSeq(example, "\n") {
		if section == "" || strings.HasPrefix(section, " ") {
			continue
		}
		_, body, _ := strings.Cut(example, section+"\n")
		var inner strings.Builder
		for line := range strings.SplitAfterSeq(body, "\n") {
			if line != "" && !strings.HasPrefix(line, " ") {
				break
			}
			inner.WriteString(line)
		}
		switch {
		case strings.HasPrefix(section, "name:"):
			whole = strings.Replace(whole, "name: supper\n", section+"\n", 1)
		case strings.Contains(whole, "\n"+section+"\n"):
			whole = strings.Replace(whole, "\n"+section+"\n", "\n"+section+"\n"+inner.String(), 1)
		default:
			whole += section + "\n" + inner.String()
		}
	}
	return whole
}
