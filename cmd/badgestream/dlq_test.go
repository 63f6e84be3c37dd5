package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

// TestDLQCommands lists, shows, discards and redrives what is no valid event.
// What cannot be folded is not redriven, and nothing is changed without --yes.
func TestDLQCommands(t *testing.T) {
	stack := stacktest.Embedded(t)
	do := func(args ...string) answer { return cli(t.Context(), t, nil, append(args, globalFlags(stack)...)...) }
	do("init").expect(t, 0, "")
	wrong := strings.Replace(visitOf("mira", "L2"), `"location":"L2"`, `"location":2`, 1)
	do("produce", "--raw", "--file", writeFile(t, visitOf("mira", "L1"), wrong, visitOf("mira", "L3")[:80])).expect(t, 0, "")
	do("run", "--drain").expect(t, 0, "")

	list := do("dlq", "list")
	list.expect(t, 0, "2 dead letters\n")
	if !regexp.MustCompile(`(?m)^\S+/\d@\d+  \S+  data          open            starview.location.visited mira-L2  data.location is the number 2; `).MatchString(list.out) {
		t.Errorf("the list is\n%s", list.out)
	}
	paged := do("dlq", "list", "--limit", "1", "--json")
	paged.expect(t, 0, "there are more: go on with --after ")
	var first letterView
	if err := json.Unmarshal([]byte(paged.out), &first); err != nil {
		t.Fatal(err)
	}
	rest := do("dlq", "list", "--after", first.Place, "--json")
	rest.expect(t, 0, "1 dead letters\n")
	var second letterView
	if err := json.Unmarshal([]byte(rest.out), &second); err != nil || second.Place == first.Place {
		t.Fatalf("after %s comes %s, %v", first.Place, second.Place, err)
	}
	data, malformed := first, second
	if data.Reason != "data" {
		data, malformed = second, first
	}
	counts := do("dlq", "list", "--counts", "--by-type")
	counts.expect(t, 0, "2 dead letters")
	if strings.Count(counts.out, "\n") != 2 || !strings.Contains(counts.out, "       1  data          open            ") || !strings.Contains(counts.out, "  starview.location.visited\n") {
		t.Errorf("the counts are\n%s", counts.out)
	}
	do("dlq", "list", "--type", "starview.vote.cast").expect(t, 0, "0 dead letters")

	show := do("dlq", "show", data.Place[strings.LastIndexByte(data.Place, '/')+1:])
	show.expect(t, 0, "")
	for _, want := range []string{"data: data.location is the number 2", "redriven now, it would be rejected again, data: ", "content-type: application/cloudevents+json\n", "key: mira\n", wrong} {
		if !strings.Contains(show.out, want) {
			t.Errorf("it does not show %q:\n%s", want, show.out)
		}
	}
	if raw := do("dlq", "show", data.Place, "--raw"); raw.out != wrong {
		t.Errorf("its value is %q", raw.out)
	}
	do("dlq", "show", "0@99999").expect(t, exitFailure, "there is no dead letter of "+stack.Topic("activity")+"/0@99999")

	do("dlq", "discard", malformed.Place, "--why", "cut short").expect(t, 0, "1 dead letters would be discarded: add --yes")
	do("dlq", "list", "--state", "discarded").expect(t, 0, "0 dead letters")
	do("dlq", "discard", malformed.Place, "--why", "cut short", "--by", "ops", "--yes").expect(t, 0, "")
	if shown := do("dlq", "show", malformed.Place); !strings.Contains(shown.out, " by ops: cut short\n") || !strings.Contains(shown.out, " · discarded\n") {
		t.Errorf("the discarded one is\n%s", shown.out)
	}

	// The redrive of what would be rejected again is refused, dry and with --yes.
	foretold := do("dlq", "redrive", "--all")
	foretold.expect(t, exitFailure, "1 dead letters would be rejected again")
	if strings.Count(foretold.out, "\n") != 1 || !strings.Contains(foretold.out, "would be rejected again, data: ") {
		t.Errorf("it foretells\n%s", foretold.out)
	}
	done := do("dlq", "redrive", "--all", "--yes")
	done.expect(t, exitFailure, "1 dead letters would be rejected again")
	if !strings.HasPrefix(done.out, "0 dead letters appended to the log; 0 were redriven before, 1 would be rejected again (") {
		t.Errorf("it says\n%s", done.out)
	}
	corrected := writeFile(t, visitOf("mira", "L2"))
	do("produce", "--file", corrected).expect(t, 0, "1 events delivered")
	do("run", "--drain").expect(t, 0, "")
	if p := do("progress", "mira"); !strings.Contains(p.out, "location_visits        2\n") {
		t.Errorf("the corrected event, with the id of the rejected one, gives\n%s", p.out)
	}
	if err := os.Remove(corrected); err != nil {
		t.Error(err)
	}
}
