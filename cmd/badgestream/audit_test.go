package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/drift"
	"github.com/badgestream/badgestream/internal/oracle"
)

// TestAuditCommand audits a group that is whole, then one whose counter was
// changed by hand, for people and as JSON, and goes on with an audit that was
// stopped.
func TestAuditCommand(t *testing.T) {
	stack := stacktest.Embedded(t)
	group := stack.Group("g")
	global := globalFlags(stack)
	do := func(args ...string) answer { return cli(t.Context(), t, nil, append(args, global...)...) }
	do("init").expect(t, 0, "")
	do("load", "--events", "2000", "--users", "100").expect(t, 0, "")
	do("run", "--drain").expect(t, 0, "")

	whole := do("audit", "--against-log", "--settled")
	whole.expect(t, 0, "")
	if strings.Contains(whole.out, "FAILS") || strings.Count(whole.out, "holds") < 17 || !strings.Contains(whole.out, "2000 records of the log, 100 users") {
		t.Errorf("the report is\n%s", whole.out)
	}

	state := filepath.Join(t.TempDir(), "state")
	do("audit", "--against-log", "--settled", "--passes", "3", "--state", state).expect(t, 0, "pass 3 of 3 is done")
	unfinished := strings.Replace(readFile(t, state), `"done":3`, `"done":2`, 1)
	if err := os.WriteFile(state, []byte(unfinished), 0o600); err != nil {
		t.Fatal(err)
	}
	rest := do("audit", "--against-log", "--settled", "--state", state, "--resume")
	rest.expect(t, 0, "pass 3 of 3 is done")
	if strings.Contains(rest.errOut, "pass 2") {
		t.Errorf("a pass that was done is made again:\n%s", rest.errOut)
	}
	do("audit", "--against-log", "--state", state, "--resume").expect(t, exitFailure, "remembers another audit")

	conn, err := pgx.Connect(t.Context(), stack.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	users := pgx.Identifier{group + "_g1", "users"}.Sanitize()
	auditWithoutLog(t, do, func(sql string) {
		if tag, err := conn.Exec(t.Context(), sql); err != nil || tag.RowsAffected() != 1 {
			t.Fatal(tag, err)
		}
	}, users)
	if _, err := conn.Exec(t.Context(), `UPDATE `+users+` SET version = version + 1`); err != nil {
		t.Fatal(err)
	}
	broken := do("audit", "--against-log", "--settled", "--show", "4")
	broken.expect(t, exitFailure, "1 checks do not hold: users-recounted")
	if !strings.Contains(broken.out, "FAILS  users-recounted") || !strings.Contains(broken.out, "… and 96 more") {
		t.Errorf("the report is\n%s", broken.out)
	}
	asJSON := do("audit", "--against-log", "--settled", "--json")
	asJSON.expect(t, exitFailure, "users-recounted")
	var r oracle.Report
	if err := json.Unmarshal([]byte(asJSON.out), &r); err != nil {
		t.Fatal(err)
	}
	if failed := r.Failed(); len(failed) != 1 || failed[0] != oracle.UsersRecounted || r.Users != 100 || len(r.Checks) != 18 {
		t.Errorf("the report is %+v", r)
	}
}

// auditWithoutLog looks for drift, finds a counter that was changed by hand, and
// mends it once it is told to.
func auditWithoutLog(t *testing.T, do func(...string) answer, change func(string), users string) {
	t.Helper()
	audit := func(flags ...string) answer {
		return do(append([]string{"audit", "--settle", "1s", "--watch", "1s"}, flags...)...)
	}
	whole := audit()
	whole.expect(t, 0, "")
	if strings.Count(whole.out, "holds") != 13 || !strings.Contains(whole.out, ": 100 users in ") {
		t.Errorf("the report is\n%s", whole.out)
	}
	change(`UPDATE ` + users + ` SET location_visits = location_visits + 1 WHERE id = (SELECT min(id) FROM ` + users + `)`)
	dry := audit("--fix")
	dry.expect(t, exitFailure, "checks do not hold: counters-follow")
	if !strings.Contains(dry.out, "FAILS  counters-follow     100 looked at, 1 amiss\n") || !strings.Contains(dry.out, ", counters would be mended\n") {
		t.Errorf("the report is\n%s", dry.out)
	}
	audit().expect(t, exitFailure, "counters-follow")
	done := audit("--fix", "--yes", "--json")
	done.expect(t, exitFailure, "counters-follow")
	var r drift.Report
	if err := json.Unmarshal([]byte(done.out), &r); err != nil || len(r.Fixes) != 1 || !r.Fixed {
		t.Errorf("the report is %+v, %v", r, err)
	}
	audit().expect(t, 0, "")
}
