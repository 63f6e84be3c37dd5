package bench

import (
	"slices"
	"strings"
	"testing"
)

func TestMeasuresByName(t *testing.T) {
	every := measureNames()
	for _, c := range []struct {
		text string
		want []string
	}{
		{"drain", []string{"drain"}},
		{"badges, drain", []string{"badges", "drain"}},
		{"all", every},
	} {
		if got, err := ParseMeasures(c.text); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q is read as %q, %v, want %q", c.text, got, err, c.want)
		}
	}
	for text, hint := range map[string]string{"drian": "did you mean drain?", "drain,": "there are drain, ", "al": "did you mean all?", "": "there are drain, "} {
		if got, err := ParseMeasures(text); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%q is read as %q, %v, want an error with %q", text, got, err, hint)
		}
	}
}

func TestMeasuresRunOnceAndInOrder(t *testing.T) {
	chosen, err := choose([]string{"badges", "drain", "badges"})
	if err != nil {
		t.Fatal(err)
	}
	if len(chosen) != 2 || chosen[0].name != "drain" || chosen[1].name != "badges" {
		t.Errorf("%d measures are chosen, want drain and badges: %+v", len(chosen), chosen)
	}
	if chosen, err = choose(nil); err != nil || len(chosen) != 1 || chosen[0].name != "drain" {
		t.Errorf("by default there are %+v, %v, want the drain", chosen, err)
	}
}

func TestMeasuresAreDescribed(t *testing.T) {
	text := DescribeMeasures()
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) != len(measures()) {
		t.Fatalf("%d measures are described in %d lines:\n%s", len(measures()), len(lines), text)
	}
	for i, m := range measures() {
		if f := strings.Fields(lines[i]); len(f) < 3 || f[0] != m.name {
			t.Errorf("line %d is %q, want one about %s", i+1, lines[i], m.name)
		}
		if len(lines[i]) > 90 {
			t.Errorf("%q is too long", lines[i])
		}
	}
}
