package devstack_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/jackc/pgx/v5"
)

func TestPostgresKeepsWhatWasCommitted(t *testing.T) {
	t.Parallel()
	ctx := limited(t)
	dir := t.TempDir()
	pg := startPostgres(t, devstack.PostgresConfig{Dir: dir})
	query(t, pg.URL(), "CREATE TABLE kept (x int)")

	for i, down := range []struct {
		name string
		take func() error
	}{
		{"stopped", func() error { return pg.Stop(ctx) }},
		{"killed", pg.Kill},
		{"killed again", pg.Kill},
	} {
		query(t, pg.URL(), fmt.Sprintf("INSERT INTO kept VALUES (%d)", i))
		if err := down.take(); err != nil {
			t.Fatalf("%s: %v", down.name, err)
		}
		if conn, err := pgx.Connect(ctx, pg.URL()); err == nil {
			conn.Close(ctx)
			t.Fatalf("%s, and it still answers", down.name)
		}
		if err := pg.Start(ctx); err != nil {
			t.Fatalf("starting after it was %s: %v", down.name, err)
		}
		if got := query(t, pg.URL(), "SELECT count(*)::text FROM kept"); got != strconv.Itoa(i+1) {
			t.Fatalf("%s: %s rows are there, want %d", down.name, got, i+1)
		}
	}
	if got := query(t, pg.URL(), "SHOW fsync"); got != "on" {
		t.Errorf("fsync is %s", got)
	}
	if got := query(t, pg.URL(), "SHOW listen_addresses"); got != "127.0.0.1" {
		t.Errorf("it listens on %s", got)
	}
}

// Another run, which knows nothing of the first, goes on with its data.
func TestPostgresTwiceOnOneDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startPostgres(t, devstack.PostgresConfig{Dir: dir})
	query(t, first.URL(), "CREATE TABLE kept AS SELECT 7 AS x")

	if second, err := devstack.StartPostgres(shortly(t), devstack.PostgresConfig{Dir: dir}); err == nil {
		second.Kill()
		t.Fatal("two servers work on one directory")
	} else if !strings.Contains(err.Error(), dir) {
		t.Errorf("the error does not name the directory: %v", err)
	}
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	second := startPostgres(t, devstack.PostgresConfig{Dir: dir})
	if got := query(t, second.URL(), "SELECT x::text FROM kept"); got != "7" {
		t.Errorf("the second run found %q", got)
	}
}

// After a crash of the machine the process number in postmaster.pid may be
// another program's.
func TestPostgresPassesOverAForeignProcessNumber(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/cwd"); err != nil {
		t.Skip("only Linux tells which directory a process works in")
	}
	ctx := limited(t)
	dir := t.TempDir()
	pg := startPostgres(t, devstack.PostgresConfig{Dir: dir})
	if err := pg.Kill(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "data", "postmaster.pid")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	other := exec.CommandContext(ctx, "cat") // lives until its input ends
	input, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer input.Close()
	if err := os.WriteFile(file, []byte(strconv.Itoa(other.Process.Pid)+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := pg.Start(ctx); err != nil {
		t.Errorf("a foreign process stops the start: %v", err)
	}
}

func TestPostgresSaysWhoIsInTheWay(t *testing.T) {
	t.Parallel()
	first := startPostgres(t, devstack.PostgresConfig{Dir: t.TempDir()})
	config, err := pgx.ParseConfig(first.URL())
	if err != nil {
		t.Fatal(err)
	}
	second, err := devstack.StartPostgres(limited(t), devstack.PostgresConfig{Dir: t.TempDir(), Port: int(config.Port)})
	if err == nil {
		second.Kill()
		t.Fatal("it started on a port that is taken")
	}
	if !strings.Contains(err.Error(), fmt.Sprintf("port %d", config.Port)) {
		t.Errorf("the error does not name the port: %v", err)
	}
}

// As root, the server's user must reach the data, and a home that is closed to
// him is not opened.
func TestPostgresUnderAClosedHome(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root hands Postgres to another user")
	}
	home := t.TempDir()
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", "/nowhere") // so that home is not in the temporary directory
	pg, err := devstack.StartPostgres(limited(t), devstack.PostgresConfig{Dir: filepath.Join(home, "data")})
	if err == nil {
		pg.Kill()
		t.Fatal("it started")
	}
	if !strings.Contains(err.Error(), "chmod o+x "+home) {
		t.Errorf("the error does not say what to do: %v", err)
	}
	if info, err := os.Stat(home); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the home was opened: %v, %v", info.Mode(), err)
	}
}

// The programs that a machine without Postgres uses. They are downloaded,
// which not every run may do.
func TestPostgresDownloaded(t *testing.T) {
	t.Parallel()
	if os.Getenv("BADGESTREAM_TEST_DOWNLOAD") != "1" {
		t.Skip("downloads Postgres from Maven Central: set BADGESTREAM_TEST_DOWNLOAD=1")
	}
	pg := startPostgres(t, devstack.PostgresConfig{Dir: t.TempDir(), Downloaded: true})
	if got := query(t, pg.URL(), "SHOW server_version"); !strings.HasPrefix(got, "17.") {
		t.Errorf("it is version %s", got)
	}
	if !strings.Contains(pg.String(), "downloaded to") {
		t.Errorf("it describes itself as %q", pg)
	}
}

func startPostgres(t *testing.T, config devstack.PostgresConfig) *devstack.Postgres {
	t.Helper()
	pg, err := devstack.StartPostgres(limited(t), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := pg.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return pg
}

// query runs one statement on a connection of its own, and answers with the
// text of its first value if it has one.
func query(t *testing.T, url, sql string) string {
	t.Helper()
	ctx := limited(t)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	value := ""
	for rows.Next() {
		if err := rows.Scan(&value); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// limited is a context that ends before the test run does.
func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// shortly is for what must fail because it waits in vain.
func shortly(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}
