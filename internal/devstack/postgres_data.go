package devstack

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
)

// dataVersion is the major version of Postgres that made the data directory,
// 0 where there is none.
func dataVersion(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, errors.Wrapf(err, "reading which Postgres made %s (choose another data directory, or run as its owner)", data)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return major, errors.Wrapf(err, "reading which Postgres made %s", data)
}

// waitForPostmaster sees to it that no server works on the data directory. It
// waits for one that is on its way out, and removes the file of one that is
// gone if another program has its process number now: Postgres would take
// that program for a server. It says whether a server had left its file.
func waitForPostmaster(ctx context.Context, data string) (left bool, err error) {
	const leaving = 10 * time.Second
	until := time.Now().Add(leaving)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	file := filepath.Join(data, "postmaster.pid")
	for {
		pid, err := postmaster(file)
		switch {
		case err != nil:
			return left, err
		case pid == 0:
			return left, nil
		}
		left = true
		if !alive(pid) {
			return left, nil
		}
		if !runsIn(pid, data) {
			return left, errors.Wrapf(os.Remove(file), "removing %s, which a dead server left", file)
		}
		if time.Now().After(until) {
			return left, errors.Newf("another Postgres (process %d) works on %s: stop it, or choose another data directory", pid, data)
		}
		select {
		case <-ctx.Done():
			return left, errors.Wrapf(ctx.Err(), "waiting for the Postgres of process %d to leave %s", pid, data)
		case <-tick.C:
		}
	}
}

// postmaster reads the server's process number, 0 where there is none.
func postmaster(file string) (int, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, errors.Wrap(err, "reading whether a Postgres runs")
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 0 {
		// Cut off by a crash while it was written; Postgres says so itself.
		return 0, nil //nolint:nilerr // no server can be told from it
	}
	return pid, nil
}
