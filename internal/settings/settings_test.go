package settings

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// resolve gives the settings of a command line, an environment and a config
// file; no file if it is empty.
func resolve(t *testing.T, args []string, env map[string]string, file string) (Settings, error) {
	t.Helper()
	if file != "" {
		name := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(name, []byte(file), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", name)
	}
	var s Settings
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	s.Bind(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return s, Resolve(flags, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
}

func TestDefaults(t *testing.T) {
	got, err := resolve(t, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{Brokers: []string{"127.0.0.1:19192"}, Postgres: "postgres://badgestream@127.0.0.1:15532/badgestream?sslmode=disable",
		Redis: "redis://127.0.0.1:16479/0", Catalog: "starview", ActivityTopic: "activity", AwardTopic: "badges",
		DeadLetterTopic: "activity.dead-letter", Group: "badgestream", Partitions: 4, LogLevel: slog.LevelInfo, LogFormat: "text"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("defaults are\n%+v, want\n%+v", got, want)
	}
}

// TestPrecedence gives the batch in each of the four places, and takes them
// away one by one.
func TestPrecedence(t *testing.T) {
	flag, env, file := []string{"--batch", "1"}, map[string]string{"BADGESTREAM_BATCH": "2"}, "batch: 3\n"
	for _, tc := range []struct {
		args []string
		env  map[string]string
		file string
		want int
	}{{flag, env, file, 1}, {nil, env, file, 2}, {nil, nil, file, 3}, {nil, nil, "", 0}, {flag, nil, file, 1}, {flag, env, "", 1}} {
		got, err := resolve(t, tc.args, tc.env, tc.file)
		if err != nil || got.Batch != tc.want {
			t.Errorf("%v %v %q: batch %d and %v, want %d", tc.args, tc.env, tc.file, got.Batch, err, tc.want)
		}
	}
}

// TestEverySettingEverywhere gives each setting by flag, by environment and by
// file: all three must take it, and give the same.
func TestEverySettingEverywhere(t *testing.T) {
	given := map[string]string{
		"brokers": "a:1, b:2", "postgres": "postgresql://u@h:1/d", "redis": "rediss://h:1/2", "catalog": "stride",
		"activity-topic": "x.activity", "award-topic": "x.badges", "dead-letter-topic": "x.dead", "group": "x",
		"partitions": "12", "workers": "3", "batch": "700", "tick": "90m", "http": ":8080", "log-level": "WARN", "log-format": "json",
	}
	want := Settings{Brokers: []string{"a:1", "b:2"}, Postgres: "postgresql://u@h:1/d", Redis: "rediss://h:1/2", Catalog: "stride",
		ActivityTopic: "x.activity", AwardTopic: "x.badges", DeadLetterTopic: "x.dead", Group: "x",
		Partitions: 12, Workers: 3, Batch: 700, Tick: 90 * time.Minute, HTTP: ":8080", LogLevel: slog.LevelWarn, LogFormat: "json"}
	var args []string
	env, file := map[string]string{}, "# all of them\n"
	for _, name := range names() {
		value, ok := given[name]
		if !ok && name != "config" {
			t.Fatalf("setting %s is not tested", name)
		}
		if name == "config" {
			continue
		}
		args = append(args, "--"+name+"="+value)
		env[Variable(name)] = value
		file += name + ": \"" + value + "\"\n"
	}
	for what, in := range map[string]struct {
		args []string
		env  map[string]string
		file string
	}{"flags": {args: args}, "environment": {env: env}, "file": {file: file}} {
		got, err := resolve(t, in.args, in.env, in.file)
		got.Config = ""
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v and\n%+v, want\n%+v", what, err, got, want)
		}
	}
}

func TestConfigFileForms(t *testing.T) {
	got, err := resolve(t, nil, nil, "brokers:\n  - a:1\n  - b:2\nbatch: 50 # few\ntick: 0\nhttp:\n")
	if err != nil || strings.Join(got.Brokers, " ") != "a:1 b:2" || got.Batch != 50 || got.Tick != 0 || got.HTTP != "" {
		t.Errorf("%+v and %v", got, err)
	}
	if _, err := resolve(t, nil, nil, "# nothing but words\n"); err != nil {
		t.Errorf("an empty file: %v", err)
	}
	name := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(name, []byte("group: named-by-environment\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := resolve(t, nil, map[string]string{"BADGESTREAM_CONFIG": name}, ""); err != nil || got.Group != "named-by-environment" {
		t.Errorf("the file that BADGESTREAM_CONFIG names: %+v and %v", got, err)
	}
}

func TestWrongSettings(t *testing.T) {
	for _, tc := range []struct {
		env  map[string]string
		file string
		want string
	}{
		{env: map[string]string{"BADGESTREAM_BATCH": "-1"}, want: `BADGESTREAM_BATCH: "-1" is no whole number from 0 up`},
		{env: map[string]string{"BADGESTREAM_PARTITIONS": "0"}, want: `BADGESTREAM_PARTITIONS: "0" is no whole number from 1 up`},
		{env: map[string]string{"BADGESTREAM_TICK": "1 hour"}, want: `BADGESTREAM_TICK: "1 hour" is no length of time`},
		{env: map[string]string{"BADGESTREAM_BROKERS": "kafka"}, want: `BADGESTREAM_BROKERS: "kafka" is no server of the form HOST:PORT`},
		{env: map[string]string{"BADGESTREAM_REDIS": "http://h"}, want: `BADGESTREAM_REDIS: it is no URL of the form redis://`},
		{env: map[string]string{"BADGESTREAM_LOG_LEVEL": "warm"}, want: `BADGESTREAM_LOG_LEVEL: "warm" is not known: did you mean warn?`},
		{env: map[string]string{"BADGESTREAM_ACTIVITY_TOPIC": "a b"}, want: `BADGESTREAM_ACTIVITY_TOPIC: "a b" is no name of a topic`},
		{env: map[string]string{"BADGESTREAM_GROUP": ""}, want: `BADGESTREAM_GROUP: it is empty`},
		{env: map[string]string{"BADGESTREAM_HTTP": "8080"}, want: `BADGESTREAM_HTTP: "8080" is no address`},
		{file: "group: x\nbatsh: 3\n", want: `:2: there is no setting "batsh": did you mean batch?`},
		{file: "config: other.yaml\n", want: `:1: there is no setting "config"`},
		{file: "group: x\nbatch: many\n", want: `:2: batch: "many" is no whole number`},
		{file: "batch: {most: 3}\n", want: `:1: batch must be a single value`},
		{file: "- batch\n", want: `a config file is a mapping`},
		{file: "group: [x\n", want: `this is not YAML`},
		{file: "activity-topic: badges\n", want: `--activity-topic and --award-topic are both "badges"`},
	} {
		_, err := resolve(t, nil, tc.env, tc.file)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v %q: %v, want one sentence with %q", tc.env, tc.file, err, tc.want)
		}
	}
}

// TestForeignVariables: Kubernetes sets some for a service called badgestream.
func TestForeignVariables(t *testing.T) {
	if _, err := resolve(t, nil, map[string]string{"BADGESTREAM_PORT": "tcp://10.0.0.1:8080", "BADGESTREAM_SERVICE_HOST": "10.0.0.1"}, ""); err != nil {
		t.Error(err)
	}
}
