package main

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/badgestream/badgestream/internal/decisions"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

// TestDecisionCommands gives a badge by hand where no engine runs, and takes it
// where one does; explain says who and why, and the audits agree.
func TestDecisionCommands(t *testing.T) {
	stack := stacktest.Embedded(t)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	do := func(args ...string) answer { return cli(ctx, t, nil, append(args, globalFlags(stack)...)...) }
	do("init").expect(t, 0, "")
	do("produce", "--raw", "--file", writeFile(t, visitOf("mira", "L1"))).expect(t, 0, "")
	do("grant", "mira", "explorer", "--reason", "helped us", "--by", "anna", "--wait", "0").has(t, "not folded yet")
	do("run", "--drain").expect(t, 0, "")

	all := do("explain", "mira")
	all.has(t, "Decided by people\n", "  grant   explorer by anna on ", ", because helped us\n",
		"Explorer (explorer): held since ", "  granted by anna at ", ", manual\n")
	do("explain", "mira", "explorer", "--trace").has(t, "badgestream.grant", "  +explorer\n")
	if text := do("explain", "mira", "--trace"); strings.Contains(text.out, "NOT WHAT") {
		t.Errorf("it says\n%s", text.out)
	}
	do("grant", "mira", "exploder", "--reason", "so").expect(t, exitFailure, "did you mean explorer?")
	do("grant", "mira", "explorer").expect(t, exitUsage, "--reason is missing")
	do("revoke", "mira").expect(t, exitUsage, "takes a user and a badge's slug")
	do("pin", "mira", "pathfinder").expect(t, exitFailure, "mira does not hold pathfinder")

	running, stop := context.WithCancel(ctx)
	var engine sync.WaitGroup
	engine.Go(func() { cli(running, t, nil, append([]string{"run"}, globalFlags(stack)...)...).expect(t, 0, "") })
	do("pin", "mira", "explorer", "--wait", "60s").has(t, "explorer of mira is pinned", "it is held, as before")
	do("revoke", "mira", "explorer", "--reason", "made up", "--wait", "60s").has(t, "explorer of mira is revoked", "it is not held now, and a badge event says so")
	var r decisions.Result
	do("release", "mira", "explorer", "--reason", "so", "--wait", "60s", "--json").reads(t, 0, &r)
	if !r.Folded || r.Held || r.Event || !r.Pinned {
		t.Errorf("the release came out as %+v", r)
	}
	do("grant", "newcomer", "first-light", "--reason", "welcome", "--wait", "60s").has(t, "it is held now")
	stop()
	engine.Wait()
	do("run", "--drain").expect(t, 0, "")
	do("audit").expect(t, 0, "")
	do("audit", "--against-log", "--settled").expect(t, 0, "")
}
