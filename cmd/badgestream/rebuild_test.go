package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/pipeline"
)

// TestRebuildCommands goes the way of an operator: a rebuild where no engine
// runs, the difference before and after somebody changed a row by hand, the
// switch that heals it, the way back, the end of it.
func TestRebuildCommands(t *testing.T) {
	stack := stacktest.Embedded(t)
	group := stack.Group("g")
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	global := globalFlags(stack)
	do := func(args ...string) answer { return cli(ctx, t, nil, append(args, global...)...) }
	do("init").expect(t, 0, "")
	do("load", "--events", "3000", "--users", "100").expect(t, 0, "")
	do("run", "--drain").expect(t, 0, "")

	do("rebuild", "status").expect(t, exitFailure, "no generation is folded beside the live one")
	do("rebuild", "start", "--wait").has(t, "generation 2 is asked for", "generation 2 has caught up")
	do("rebuild", "start").expect(t, exitFailure, "generation 2 is following")
	do("rebuild", "status").has(t, "generation 2 is following", "100 %", "3000 of 3000 records")
	var status pipeline.Status
	do("rebuild", "status", "--json").reads(t, 0, &status)
	if status.Records != 3000 || status.Total != 3000 || len(status.Partitions) != 5 || status.SecondsLeft == nil || *status.SecondsLeft != 0 {
		t.Errorf("the status is %+v", status)
	}
	do("rebuild", "diff").has(t, "equal    users", "equal    history", "equal    member")
	var d pipeline.Diff
	do("rebuild", "diff", "--json").reads(t, 0, &d)
	if !d.Identical || len(d.Badges) != 0 || len(d.Offsets) != 5 || d.Tables["users"].Live == "" {
		t.Errorf("the difference is %+v", d)
	}

	conn, err := pgx.Connect(ctx, stack.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, `UPDATE `+pgx.Identifier{group + "_g1", "users"}.Sanitize()+` SET photos_uploaded = photos_uploaded + 1 WHERE id = (SELECT min(id) FROM `+pgx.Identifier{group + "_g1", "users"}.Sanitize()+`)`); err != nil {
		t.Fatal(err)
	}
	differs := do("rebuild", "diff")
	differs.expect(t, exitFailure, "the rebuild differs from what readers see")
	if !strings.Contains(differs.out, "DIFFERS  users") || !strings.Contains(differs.out, "1 users have other counters: photos_uploaded (1)") {
		t.Errorf("the difference is\n%s", differs.out)
	}

	running, stop := context.WithCancel(ctx)
	var engine sync.WaitGroup
	engine.Go(func() { cli(running, t, nil, append([]string{"run"}, global...)...).expect(t, 0, "") })
	do("rebuild", "rollback").expect(t, exitFailure, "generation 2 was never live")
	do("rebuild", "switch").has(t, "generation 2 is live, in place of generation 1: 0 badges are given, 0 revoked")
	do("rebuild", "cancel").expect(t, exitFailure, "was live before a switch")
	do("rebuild", "rollback", "--lost", "revoke").has(t, "generation 1 is live, in place of generation 2")
	do("rebuild", "rollback").has(t, "generation 2 is live, in place of generation 1")
	do("rebuild", "retire").has(t, "generation 1 is retired")
	stop()
	engine.Wait()
	do("run", "--drain").expect(t, 0, "")
	do("audit", "--against-log", "--settled").expect(t, 0, "")
	do("rebuild", "start", "--max-rate", "-1").expect(t, exitUsage, "--max-rate must not be negative")
	do("rebuild", "switch", "--lost", "sell").expect(t, exitUsage, "keep or revoke")
}

// has wants an answer that went well and holds the texts.
func (a answer) has(t *testing.T, texts ...string) {
	t.Helper()
	a.expect(t, 0, "")
	for _, text := range texts {
		if !strings.Contains(a.out, text) {
			t.Errorf("the answer has no %q:\n%s", text, a.out)
		}
	}
}

// reads takes an answer as JSON.
func (a answer) reads(t *testing.T, status int, into any) {
	t.Helper()
	a.expect(t, status, "")
	if err := json.Unmarshal([]byte(a.out), into); err != nil {
		t.Fatalf("%v:\n%s", err, a.out)
	}
}
