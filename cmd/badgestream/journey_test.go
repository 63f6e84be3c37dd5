package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/conformance"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/pipeline"
)

// TestJourney goes the whole way with the commands alone, servers embedded:
// init, produce, run, badges and progress. On one partition all that comes out
// must be what simulate says of the same file, byte for byte.
func TestJourney(t *testing.T) {
	cases, err := conformance.Load("../../processor/testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"malformed-lines", "random-50-users"} {
		i := slices.IndexFunc(cases, func(c conformance.Case) bool { return c.Name == name })
		t.Run(name, func(t *testing.T) { journey(t, &cases[i]) })
	}
}

func journey(t *testing.T, c *conformance.Case) {
	stack := stacktest.Embedded(t)
	dir := t.TempDir()
	events, progress, rejects := filepath.Join(dir, "events"), filepath.Join(dir, "progress"), filepath.Join(dir, "rejects")
	if err := os.WriteFile(events, c.Events, 0o644); err != nil {
		t.Fatal(err)
	}
	global := append(globalFlags(stack), "--partitions", "1")
	do := func(args ...string) string {
		t.Helper()
		a := cli(t.Context(), t, nil, append(args, global...)...)
		a.expect(t, 0, "")
		return a.out
	}
	wantAwards := do("simulate", "--events", events, "--progress", progress, "--rejects", rejects)

	do("init")
	do("init") // what is there stays
	do("produce", "--file", events, "--raw")
	var sum pipeline.Summary
	if err := json.Unmarshal([]byte(do("run", "--drain", "--json")), &sum); err != nil {
		t.Fatal(err)
	}
	wantRejects := int64(strings.Count(readFile(t, rejects), "\n"))
	lines := int64(strings.Count(string(c.Events), "\n"))
	if sum.Awarded != int64(strings.Count(wantAwards, `"badgestream.badge.awarded"`)) || sum.Revoked != int64(strings.Count(wantAwards, `"badgestream.badge.revoked"`)) ||
		sum.Rejected != wantRejects || sum.Events < lines-wantRejects || sum.Events > lines || sum.Users < 1 || sum.Seconds <= 0 {
		t.Errorf("run did %+v of %d lines with %d rejects", sum, lines, wantRejects)
	}
	expectText(t, "badges --json", wantAwards, do("badges", "--json"))
	if people := do("badges"); strings.Count(people, "\n") != strings.Count(wantAwards, "\n") {
		t.Errorf("badges prints %d lines for people, want one for each of %d", strings.Count(people, "\n"), strings.Count(wantAwards, "\n"))
	}

	cat, err := catalog.Load(c.Catalog)
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for _, from := range []string{"postgres", "redis"} {
		all := do("progress", "--all", "--json", "--from", from)
		for _, diff := range c.CheckProgress([]byte(all), cat.System) {
			t.Errorf("progress from %s: %s", from, diff)
		}
		users = nil
		for line := range strings.Lines(all) {
			var p struct{ User string }
			if err := json.Unmarshal([]byte(line), &p); err != nil {
				t.Fatal(err)
			}
			users = append(users, p.User)
			if one := do("progress", p.User, "--json", "--from", from); one != line {
				t.Errorf("progress of %s alone, from %s, is\n%swant\n%s", p.User, from, one, line)
			}
		}
		if !slices.IsSorted(users) {
			t.Errorf("users from %s are not in order: %v", from, users)
		}
	}
	oneRoundTrip(t, stack.RedisURL, users[0], do)
	if people := do("progress", users[0]); !strings.HasPrefix(people, users[0]+" · ") || !strings.Contains(people, " of 27 badges") {
		t.Errorf("progress for people:\n%s", people)
	}
	fallsBack(t, stack.RedisURL, users[0], do)
	if again := do("run", "--drain", "--json"); !strings.Contains(again, `"events":0,`) {
		t.Errorf("a second run finds something to do: %s", again)
	}
}

// oneRoundTrip counts what one user's progress asks of Redis, but for the
// greeting of a new connection.
func oneRoundTrip(t *testing.T, url, user string, do func(...string) string) {
	t.Helper()
	opts, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(opts)
	defer rdb.Close()
	calls := func() map[string]string {
		t.Helper()
		info, err := rdb.InfoMap(t.Context(), "commandstats").Result()
		if err != nil {
			t.Logf("this Redis does not count its commands: %v", err)
		}
		counts := map[string]string{}
		for command, stats := range info["Commandstats"] {
			counts[command], _, _ = strings.Cut(stats, ",")
		}
		return counts
	}
	before := calls()
	do("progress", user, "--json")
	after := calls()
	var asked []string
	for command, count := range after {
		switch command {
		case "cmdstat_hello", "cmdstat_select", "cmdstat_info":
			continue
		}
		if count != before[command] {
			asked = append(asked, command)
		}
	}
	if len(after) > 0 && !slices.Equal(asked, []string{"cmdstat_mget"}) {
		t.Errorf("one user's progress takes %v, want one MGET", asked)
	}
}

// fallsBack takes the snapshots away: the rows in Postgres answer then.
func fallsBack(t *testing.T, url, user string, do func(...string) string) {
	t.Helper()
	want := do("progress", user, "--json")
	opts, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(opts)
	defer rdb.Close()
	if err := rdb.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	expectText(t, "progress without snapshots", want, do("progress", user, "--json"))
	expectText(t, "progress without Redis", want, do("progress", user, "--json", "--redis", "redis://127.0.0.1:1/0"))
}

func expectText(t *testing.T, what, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		if i >= len(w) || i >= len(g) || w[i] != g[i] {
			t.Errorf("%s differs from line %d on (%d lines, want %d)\n got %s\nwant %s", what, i+1, len(g), len(w), at(g, i), at(w, i))
			return
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing more"
}
