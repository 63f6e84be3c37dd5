package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/explain"
)

// globalFlags point a command at the test's servers, and at topics and a group
// of its own.
func globalFlags(stack *stacktest.Stack) []string {
	return []string{"--brokers", strings.Join(stack.Brokers, ","), "--postgres", stack.PostgresURL, "--redis", stack.RedisURL,
		"--group", stack.Group("g"), "--activity-topic", stack.Topic("activity"), "--award-topic", stack.Topic("badges"),
		"--dead-letter-topic", stack.Topic("dead"), "--log-level", "error"}
}

// TestExplainCommand explains a user to people and to programs, and says what
// is wrong with a name.
func TestExplainCommand(t *testing.T) {
	stack := stacktest.Embedded(t)
	do := func(args ...string) answer { return cli(t.Context(), t, nil, append(args, globalFlags(stack)...)...) }
	do("explain", "u1").expect(t, exitFailure, "no catalogue is stored yet")
	do("init").expect(t, 0, "")
	do("produce", "--raw", "--file", writeFile(t,
		visitOf("mira", "L1"), visitOf("mira", "L2"), visitOf("mira", "L2"), visitOf("mira", "L2")[:80])).expect(t, 0, "")
	do("run", "--drain").expect(t, 0, "")

	all := do("explain", "mira")
	all.expect(t, 0, "")
	for _, want := range []string{
		"mira · version 2 · catalogue starview, version 1\n",
		"First Light (first-light): held since 2026-03-01T12:00:01.000Z\n  earned 2026-03-01T12:00:01.000Z by event mira-L1 of /t on ",
		": location_visits 1 · user version 1, catalogue version 1\n",
		"Explorer (explorer): not yet\n  ✗ location_visits: 2 of 5, 3 missing\n",
	} {
		if !strings.Contains(all.out, want) {
			t.Errorf("it does not say %q:\n%s", want, all.out)
		}
	}
	one := do("explain", "mira", "explorer", "--trace")
	one.expect(t, 0, "")
	for _, want := range []string{
		"      + starview.location.visited counts location, once\n", "      - starview.location.unvisited takes location away\n",
		"  counted  ", "mira-L1  location_visits 0 → 1  +first-light\n", "  duplicate  ", "  rejected  ", "4 records looked at in ",
	} {
		if !strings.Contains(one.out, want) {
			t.Errorf("it does not say %q:\n%s", want, one.out)
		}
	}
	if strings.Contains(one.out, "Pathfinder") || strings.Contains(one.out, "NOT WHAT") {
		t.Errorf("it says too much:\n%s", one.out)
	}
	asJSON := do("explain", "mira", "--trace", "--json")
	asJSON.expect(t, 0, "")
	var e explain.Explanation
	if err := json.Unmarshal([]byte(asJSON.out), &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Badges) != 27 || e.Counters["location_visits"] != 2 || len(e.Trace.Events) != 4 || e.Badges[0].Awarded.Event.ID != "mira-L1" {
		t.Errorf("as JSON it is %s", asJSON.out)
	}
	do("explain", "mirra").expect(t, exitFailure, `did you mean "mira"?`)
	do("explain", "mira", "exlorer").expect(t, exitFailure, "did you mean explorer?")
}
