package devstack

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
)

// account is the user whom a server runs as.
type account struct {
	name     string
	uid, gid uint32
}

// unprivileged finds whom to run Postgres as when we are root, which Postgres
// refuses: the owner of the data that is there, else an existing user who has
// no rights of his own.
func unprivileged(data string) (account, error) {
	if info, err := os.Stat(data); err == nil {
		if a, ok := owner(info); ok && a.uid != 0 {
			a.name = "user " + strconv.FormatUint(uint64(a.uid), 10)
			return a, nil
		}
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return account{}, errors.New("postgres refuses to run as root, and there is no user `postgres` or `nobody` to run it as: create one, or run badgestream as another user")
}

// giveTo makes the directory the account's, and checks that the account can
// get there. What lies below the system's temporary directory is opened for
// that; any other directory of the user's stays as it is. What is in dir was
// made by the account itself.
func giveTo(a account, dir string) error {
	if err := os.Chown(dir, int(a.uid), int(a.gid)); err != nil {
		return errors.Wrapf(err, "giving %s to %s", dir, a.name)
	}
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return errors.Wrapf(err, "checking that %s can reach %s", a.name, dir)
		}
		if !a.canEnter(info) {
			if !isTemporary(parent) {
				return errors.Newf("postgres does not run as root but as %s, who may not enter %s: choose another data directory, for example below /var/lib, or allow it with `chmod o+x %s`", a.name, parent, parent)
			}
			if err := os.Chmod(parent, info.Mode().Perm()|0o011); err != nil {
				return errors.Wrapf(err, "letting %s into %s", a.name, parent)
			}
		}
		if parent == filepath.Dir(parent) {
			return nil
		}
	}
}

func (a account) canEnter(dir os.FileInfo) bool {
	mode := dir.Mode().Perm()
	if o, ok := owner(dir); ok && o.uid == a.uid {
		return mode&0o100 != 0
	}
	return mode&0o001 != 0
}

// isTemporary says whether dir lies below the system's temporary directory.
func isTemporary(dir string) bool {
	rel, err := filepath.Rel(os.TempDir(), dir)
	return err == nil && rel != "." && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
