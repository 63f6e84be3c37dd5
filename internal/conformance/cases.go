// Package conformance reads the cases in processor/testdata/cases, events with
// the badge events and progress that they must give, and compares with them
// what an engine gave. It is for tests.
package conformance

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/errors"
)

// Case is one case. Each file is as the manifest has it, unpacked.
type Case struct {
	Catalog, Name string
	Events        []byte // structured CloudEvents, one a line
	awards        []byte
	progress      []byte
	rejects       []byte // nil if nothing is said of rejects
}

// Load reads all cases below dir, in the manifest's order. It is an error if a
// file of MANIFEST is missing or other than it says, or if there is one more.
func Load(dir string) ([]Case, error) {
	manifest, err := os.ReadFile(filepath.Join(dir, "MANIFEST"))
	if err != nil {
		return nil, errors.Wrap(err, "reading the manifest of the cases")
	}
	var cases []Case
	listed := map[string]bool{}
	for line := range strings.Lines(string(manifest)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		parts := strings.Split(name, "/")
		if !ok || len(parts) != 3 {
			return nil, errors.Newf("the manifest of the cases has the line %q, not SHA256  CATALOG/CASE/FILE", line)
		}
		content, err := readFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, errors.Wrapf(err, "reading %s of the manifest", name)
		}
		if got := sha256.Sum256(content); hex.EncodeToString(got[:]) != sum {
			return nil, errors.Newf("%s is not as the manifest of the cases has it", name)
		}
		listed[name] = true
		if n := len(cases); n == 0 || cases[n-1].Catalog != parts[0] || cases[n-1].Name != parts[1] {
			cases = append(cases, Case{Catalog: parts[0], Name: parts[1]})
		}
		cases[len(cases)-1].set(parts[2], content)
	}
	return cases, nothingElse(dir, listed)
}

func (c *Case) set(file string, content []byte) {
	switch file {
	case "events.ndjson":
		c.Events = content
	case "awards.ndjson":
		c.awards = content
	case "progress.ndjson":
		c.progress = content
	case "rejects.txt":
		c.rejects = content
	}
}

// readFile reads a file, or unpacks it where only FILE.gz is there.
func readFile(name string) ([]byte, error) {
	content, err := os.ReadFile(name)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	packed, err := os.ReadFile(name + ".gz")
	if err != nil {
		return nil, err
	}
	in, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, errors.Wrapf(err, "unpacking %s.gz", name)
	}
	return io.ReadAll(in)
}

// nothingElse says which case the manifest does not know.
func nothingElse(dir string, listed map[string]bool) error {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		name, err := filepath.Rel(dir, f)
		if err != nil {
			return err
		}
		if name = strings.TrimSuffix(filepath.ToSlash(name), ".gz"); !listed[path.Clean(name)] {
			return errors.Newf("%s is not in the manifest of the cases", name)
		}
	}
	return nil
}
