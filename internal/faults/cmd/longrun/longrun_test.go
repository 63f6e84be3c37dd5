package main

import (
	"context"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }

// TestRealLongRun is the long run, cut short for CI.
func TestRealLongRun(t *testing.T) {
	stacktest.NeedReal(t)
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	if err := run(ctx, config{seed: 1, length: 75 * time.Second, round: 40 * time.Second, rate: 200, log: t.Output()}); err != nil {
		t.Fatal(err)
	}
}

// TestOneSeedGivesOneSchedule draws it twice.
func TestOneSeedGivesOneSchedule(t *testing.T) {
	draw := func(seed uint64) (acts []act) {
		for s := newSchedule(seed); len(acts) < 200; {
			acts = append(acts, s.next())
		}
		return acts
	}
	if !reflect.DeepEqual(draw(7), draw(7)) || reflect.DeepEqual(draw(7), draw(8)) {
		t.Error("a seed does not tell the schedule")
	}
	seen := map[string]bool{}
	for _, a := range draw(7) {
		seen[a.what] = true
	}
	for _, kind := range kinds {
		if !seen[kind] {
			t.Errorf("%s never comes in 200 acts", kind)
		}
	}
}
