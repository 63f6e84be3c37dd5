package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/settings"
)

// answer is what a command line gave.
type answer struct {
	status      int
	out, errOut string
}

// cli runs a command line in this process.
func cli(ctx context.Context, t *testing.T, in io.Reader, args ...string) answer {
	t.Helper()
	var out, errOut bytes.Buffer
	status := execute(ctx, args, in, &out, &errOut)
	return answer{status, out.String(), errOut.String()}
}

// expect wants the status, and the text somewhere on standard error.
func (a answer) expect(t *testing.T, status int, errText string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.errOut, errText) {
		t.Fatalf("status %d, want %d; standard error, want %q in it:\n%s\nstandard output:\n%s", a.status, status, errText, a.errOut, a.out)
	}
}

func writeFile(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestEveryCommandExplainsItself(t *testing.T) {
	var s settings.Settings
	commands := []*cobra.Command{newRoot(&s)}
	for i := 0; i < len(commands); i++ {
		commands = append(commands, commands[i].Commands()...)
	}
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		if c.Example == "" || c.Long == "" {
			t.Errorf("%s has no example or no explanation", c.CommandPath())
		}
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		a := cli(t.Context(), t, nil, args...)
		a.expect(t, 0, "")
		if !strings.Contains(a.out, c.Example) || !strings.Contains(a.out, "--brokers") {
			t.Errorf("%s --help shows no examples or no global flags:\n%s", c.CommandPath(), a.out)
		}
	}
}

func TestWrongCommandLines(t *testing.T) {
	for line, want := range map[string]string{
		"simulat":                                "there is no command \"simulat\": did you mean simulate?",
		"simulate --evnts x":                     "there is no flag --evnts: did you mean --events?",
		"simulate":                               "--events is missing",
		"simulate x":                             "takes no arguments",
		"simulate --qqqqqqqqqqqq":                "there is no flag --qqqqqqqqqqqq",
		"simulate -q":                            "there is no flag -q",
		"simulate --events":                      "--events needs a value",
		"simulate --batch many":                  "--batch: \"many\" is no whole number from 0 up",
		"load --users many":                      "--users: \"many\" is no whole number",
		"load --users 1":                         "1 users make no community",
		"load --skew 0.5":                        "a skew of 0.5",
		"load --start noon":                      "--start: \"noon\"",
		"progress":                               "takes one user",
		"progress u1 --from disk":                "--from: \"disk\" is not known",
		"progress u1 --all":                      "leave the name out",
		"produce --file x --raw --binary":        "--raw and --binary cannot go together",
		"dlq lst":                                "did you mean list?",
		"dlq show":                               "takes one letter",
		"dlq list --reason dta":                  "did you mean data?",
		"dlq list --state opn":                   "did you mean open?",
		"dlq list --since noon":                  "--since: \"noon\" is neither",
		"dlq list --limit 0":                     "--limit must be 1 or more",
		"dlq list --after x":                     "names no record",
		"dlq discard 0@1":                        "--why is missing",
		"explain":                                "takes a user",
		"explain a b c":                          "takes a user",
		"audit --yes":                            "--yes goes with --fix",
		"audit --settled":                        "--settled goes with --against-log",
		"audit --against-log --fix":              "--fix does not go with --against-log",
		"audit --watch 0s":                       "longer than nothing",
		"audit --against-log --resume":           "--resume needs --state FILE",
		"audit --against-log --memory 0":         "must be 1 or more",
		"audit --against-log --passes -1":        "must not be negative",
		"audit --against-log --settle 0s":        "longer than nothing",
		"run --postgres mysql://u:secret@h/d":    "--postgres: it is no URL of the form postgres://",
		"run --activity-topic a --award-topic a": "--activity-topic and --award-topic are both \"a\"",
	} {
		a := cli(t.Context(), t, nil, strings.Fields(line)...)
		a.expect(t, exitUsage, want)
		if strings.Count(a.errOut, "\n") != 1 || strings.Contains(a.errOut, "secret") || a.out != "" {
			t.Errorf("%s: not one clear sentence without secrets:\n%s%s", line, a.errOut, a.out)
		}
	}
}

func TestErrorsAreOneSentenceUnlessDebugging(t *testing.T) {
	short := cli(t.Context(), t, nil, "simulate", "--events", "nowhere.ndjson")
	short.expect(t, exitFailure, "badgestream: reading --events: open nowhere.ndjson: no such file or directory\n")
	long := cli(t.Context(), t, nil, "simulate", "--events", "nowhere.ndjson", "--log-level", "debug")
	long.expect(t, exitFailure, "files.go")
	if strings.Contains(short.errOut, "files.go") {
		t.Errorf("a stack trace for people:\n%s", short.errOut)
	}
}

func TestUnreachableServersAreOneSentence(t *testing.T) {
	nobody := "127.0.0.1:1"
	for line, want := range map[string]string{
		"produce --file " + writeFile(t, "{}") + " --brokers " + nobody:           "Kafka does not answer at " + nobody,
		"badges --brokers " + nobody:                                              "Kafka does not answer at " + nobody,
		"load --brokers " + nobody:                                                "Kafka does not answer at " + nobody,
		"progress u1 --from redis --redis redis://" + nobody:                      "read 1 snapshots from Redis",
		"progress --all --postgres postgres://u:secret@" + nobody + "/d":          "Postgres at " + nobody + " cannot be reached",
		"progress --all --from redis --redis redis://" + nobody + "/0":            "list the snapshots in Redis",
		"run --postgres postgres://u:secret@" + nobody + "/d --log-level error":   "Postgres at " + nobody + " cannot be reached",
		"explain u1 --postgres postgres://u:secret@" + nobody + "/d":              "Postgres at " + nobody + " cannot be reached",
		"audit --against-log --brokers " + nobody:                                 "Kafka does not answer at " + nobody,
		"init --postgres postgres://u:secret@" + nobody + "/d --catalog starview": "Postgres at " + nobody + " cannot be reached",
	} {
		a := cli(t.Context(), t, nil, strings.Fields(line)...)
		a.expect(t, exitFailure, want)
		if strings.Count(a.errOut, "\n") != 1 || strings.Contains(a.errOut, "secret") {
			t.Errorf("%s: not one clear sentence without secrets:\n%s", line, a.errOut)
		}
	}
}

func TestVersion(t *testing.T) {
	a := cli(t.Context(), t, nil, "--version")
	a.expect(t, 0, "")
	if fields := strings.Fields(a.out); len(fields) < 2 || fields[0] != "badgestream" {
		t.Errorf("version is %q", a.out)
	}
}

// TestCommandNames keeps the names that documentation and scripts use.
func TestCommandNames(t *testing.T) {
	var s settings.Settings
	names := map[string]*cobra.Command{}
	for _, c := range newRoot(&s).Commands() {
		names[c.Name()] = c
	}
	for _, want := range []string{"init", "run", "simulate", "produce", "load", "badges", "progress", "explain", "dlq", "audit"} {
		if names[want] == nil {
			t.Errorf("there is no command %s", want)
		}
	}
}
