package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/erasure"
)

// TestRealEraseCommand erases a user as an operator does: looks, is refused,
// erases, looks again; and every other command that asks about him says so.
func TestRealEraseCommand(t *testing.T) {
	t.Parallel()
	stack := stacktest.Real(t)
	args := append(globalFlags(stack), "--partitions", "1")
	do := func(words ...string) answer { return cli(t.Context(), t, nil, append(words, args...)...) }
	shows := func(a answer, text string) {
		t.Helper()
		if !strings.Contains(a.out, text) {
			t.Errorf("%q should be in\n%s", text, a.out)
		}
	}
	do("init").expect(t, 0, "")
	do("load", "--events", "500", "--users", "5", "--seed", "4").expect(t, 0, "")
	do("run", "--drain").expect(t, 0, "")
	var first struct{ Subject string }
	if err := json.NewDecoder(strings.NewReader(do("badges", "--json").out)).Decode(&first); err != nil {
		t.Fatal(err)
	}
	user := first.Subject
	before := do("erase", user)
	before.expect(t, exitFailure, "add --yes")
	shows(before, "was not erased")
	shows(before, "Redis: a snapshot")
	do("erase", user, "--check", "--yes").expect(t, exitUsage, "give one of them")
	do("erase").expect(t, exitUsage, "takes the ids")
	do("erase", user, "--yes", "--wait", "0s", "--reason", "ticket 1", "--by", "anna").expect(t, exitFailure, "not everything is removed yet")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan answer, 1)
	go func() { ended <- cli(ctx, t, nil, append([]string{"run"}, args...)...) }()
	done := do("erase", user, "--yes", "--json")
	done.expect(t, 0, "")
	var r erasure.Report
	if err := json.Unmarshal([]byte(done.out), &r); err != nil || r.Left() || r.By != "anna" || r.Reason != "ticket 1" || r.Done == "" || r.Events == 0 {
		t.Errorf("the report: %+v, %v\n%s", r, err, done.out)
	}
	for _, words := range [][]string{{"--check"}, {"--yes"}} { // once more, which means nothing
		again := do(append([]string{"erase", user}, words...)...)
		again.expect(t, 0, "")
		for _, text := range []string{"by anna", "Postgres: nothing", "Redis: nothing", "each with its tombstone"} {
			shows(again, text)
		}
	}
	for _, words := range [][]string{{"explain", user}, {"grant", user, "explorer", "--reason", "x"}, {"repair", "--user", user}, {"replay", "--user", user}} {
		do(words...).expect(t, exitFailure, "this user was erased")
	}
	all := do("progress", "--all", "--from", "redis")
	all.expect(t, 0, "")
	if all.out == "" || strings.Contains(all.out, `"`+user+`"`) {
		t.Errorf("%s is among all users:\n%s", user, all.out)
	}
	do("audit").expect(t, 0, "")
	whole := do("audit", "--against-log")
	whole.expect(t, 0, "")
	shows(whole, "holds  erased-absent")
	stop()
	<-ended
}
