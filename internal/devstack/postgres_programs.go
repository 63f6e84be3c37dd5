package devstack

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
)

// oldestPostgres is the first major version that badgestream supports.
const oldestPostgres = 15

// programs is one set of Postgres's programs.
type programs struct {
	dir     string // holds initdb and postgres
	version string // such as 15.18
	major   int
	origin  string // for people: where it was found
}

// findPostgres looks for programs on the machine: of the version that made
// the data if there are data, else the newest. Where there are none it
// downloads some.
func findPostgres(ctx context.Context, made int, downloaded bool) (programs, error) {
	var found []programs
	if !downloaded {
		found = installed(ctx, installedDirs(ctx))
	}
	best, ok := choose(found, made)
	if ok {
		return best, nil
	}
	if made != 0 && made != downloadMajor {
		return programs{}, errors.Newf("the data directory was made by Postgres %d, which is not on this machine: install it, or choose another data directory", made)
	}
	return downloadPostgres(ctx)
}

// choose picks the version that made the data, or the newest where there are none.
func choose(found []programs, made int) (best programs, ok bool) {
	for _, p := range found {
		if p.major >= oldestPostgres && p.major > best.major && (made == 0 || made == p.major) {
			best, ok = p, true
		}
	}
	return best, ok
}

// installedDirs lists where distributions, Homebrew and the user put
// Postgres's programs. Most lead nowhere.
func installedDirs(ctx context.Context) []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                   // Red Hat
		"/usr/libexec/postgresql*",           // Alpine
		"/opt/homebrew/opt/postgresql@*/bin", // Homebrew on ARM
		"/usr/local/opt/postgresql@*/bin",    // Homebrew on Intel
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		matches, err := filepath.Glob(pattern)
		if err == nil {
			dirs = append(dirs, matches...)
		}
	}
	return dirs
}

// installed are the sets of programs in dirs that can run here.
func installed(ctx context.Context, dirs []string) []programs {
	var found []programs
	for _, dir := range dirs {
		if resolved, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres")); err == nil {
			dir = filepath.Dir(resolved)
		}
		if _, err := exec.LookPath(filepath.Join(dir, "initdb")); err != nil {
			continue
		}
		if p, err := readPrograms(ctx, dir); err == nil {
			p.origin = "found in " + dir
			found = append(found, p)
		}
	}
	return found
}

// readPrograms asks the programs in dir for their version, which is printed
// as "postgres (PostgreSQL) 15.18 (Debian …)".
func readPrograms(ctx context.Context, dir string) (programs, error) {
	postgres := filepath.Join(dir, "postgres")
	out, err := exec.CommandContext(ctx, postgres, "--version").CombinedOutput()
	if err != nil {
		return programs{}, errors.Wrapf(err, "asking %s for its version: %s", postgres, out)
	}
	match := regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`).FindSubmatch(out)
	if match == nil {
		return programs{}, errors.Newf("%s --version answers %q, which names no version", postgres, out)
	}
	major, err := strconv.Atoi(string(match[2]))
	return programs{dir: dir, version: string(match[1]), major: major}, errors.Wrap(err, "reading Postgres's version")
}
