package devstack

import (
	"os"
	"path/filepath"

	"github.com/cockroachdb/errors"
)

// errLocked: another process holds the lock.
var errLocked = errors.New("locked by another process")

// lockDir takes the directory for this process alone until the file that it
// answers with is closed. With wait it waits for its turn, otherwise it fails
// with errLocked.
func lockDir(dir string, wait bool) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, errors.Wrapf(err, "opening the lock of %s", dir)
	}
	if err := lockFile(f, wait); err != nil {
		return nil, errors.CombineErrors(err, f.Close())
	}
	return f, nil
}
