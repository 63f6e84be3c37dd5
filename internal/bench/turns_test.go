package bench

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

// TestContendersTakeTurns has a shell play the contenders, which write down
// when they were called.
func TestContendersTakeTurns(t *testing.T) {
	b := on(t, stacktest.Embedded(t))
	b.Program = "/bin/sh"
	diary := filepath.Join(t.TempDir(), "diary")
	note := func(text string) []string {
		return []string{"-c", "echo " + text + ` >> "$1"; echo '{"events": 5, "seconds": 1}'`, "sh", diary}
	}
	enter := func(name string, prepared bool) entrant {
		return func(round int) contender {
			c := contender{name: name, args: note(name), events: 5}
			if prepared {
				c.setUp = note("init")
				c.prepare = func(ctx context.Context) error {
					_, err := b.execute(ctx, note("prepare"))
					return err
				}
			}
			return c
		}
	}
	read := func() []string {
		text, err := os.ReadFile(diary)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(diary); err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(text))
	}
	turns, err := b.alternate(t.Context(), 2, enter("one", true), enter("two", false), enter("three", false))
	if err != nil {
		t.Fatal(err)
	}
	// What takes long to prepare warms nothing up; the order is turned round.
	if got, want := read(), strings.Fields("three two  init prepare one two three  three two init prepare one"); !slices.Equal(got, want) {
		t.Errorf("called were %v, want %v", got, want)
	}
	var counted []string
	for _, turn := range turns {
		counted = append(counted, turn.Contender)
	}
	if want := strings.Fields("one two three three two one"); !slices.Equal(counted, want) {
		t.Errorf("turns that count are %v, want %v", counted, want)
	}
	// The servers are warm now.
	if _, err := b.alternate(t.Context(), 1, enter("four", false), enter("five", false)); err != nil {
		t.Fatal(err)
	}
	if got, want := read(), strings.Fields("four five"); !slices.Equal(got, want) {
		t.Errorf("called were %v, want %v", got, want)
	}
}

func TestAnUnfinishedDrainIsAnError(t *testing.T) {
	b := on(t, stacktest.Embedded(t))
	b.Program = "/bin/sh"
	c := contender{name: "lazy", args: []string{"-c", `echo '{"events": 4, "seconds": 1}'`}, events: 5}
	if _, err := b.turn(t.Context(), c, 1); err == nil || !strings.Contains(err.Error(), "it took 4 of 5 events") {
		t.Errorf("the error is %v", err)
	}
}
