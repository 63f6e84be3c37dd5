package mutants

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/errors"
)

// Root is the directory of the module at hand.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	return strings.TrimSpace(string(out)), errors.Wrap(err, "find the module: go list -m")
}

// Copy copies a repository's files as they stand, those that git does not
// ignore, to an empty directory.
func Copy(ctx context.Context, root, dir string) error {
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return errors.Wrapf(err, "list the files of %s: git ls-files", root)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if err := copyFile(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			return errors.Wrapf(err, "copy %s", name)
		}
	}
	return nil
}

func copyFile(from, to string) (err error) {
	src, err := os.Open(from)
	if os.IsNotExist(err) {
		return nil // deleted, and not committed yet
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.CombineErrors(err, src.Close()) }()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode())
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.CombineErrors(err, dst.Close())
}

// mutate makes the edits in a tree, and answers with what takes them back. If
// an old text does not stand there exactly once, nothing is changed.
func mutate(dir string, m *Mutant) (restore func() error, err error) {
	before, after := map[string]string{}, map[string]string{}
	for _, e := range m.Edits {
		path := filepath.Join(dir, filepath.FromSlash(e.File))
		if _, seen := after[path]; !seen {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, errors.Wrapf(err, "mutant %s is stale", m.Name)
			}
			before[path], after[path] = string(text), string(text)
		}
		if n := strings.Count(after[path], e.Old); n != 1 || e.Old == e.New {
			return nil, errors.Newf("mutant %s is stale: in %s its old text stands %d times, not once; look what became of it, and write the mutant anew:\n%s", m.Name, e.File, n, e.Old)
		}
		after[path] = strings.Replace(after[path], e.Old, e.New, 1)
	}
	write := func(texts map[string]string) (err error) {
		for path, text := range texts {
			err = errors.CombineErrors(err, os.WriteFile(path, []byte(text), 0o644))
		}
		return errors.Wrapf(err, "mutant %s", m.Name)
	}
	return func() error { return write(before) }, write(after)
}
