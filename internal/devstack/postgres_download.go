package devstack

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/cockroachdb/errors"
	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// The Postgres that is downloaded where none is installed.
const (
	downloadVersion = embeddedpostgres.V17
	downloadMajor   = 17
)

// downloadPostgres answers with programs of our cache, downloaded once.
func downloadPostgres(ctx context.Context) (programs, error) {
	cache, err := CacheDir()
	if err != nil {
		return programs{}, err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return programs{}, errors.Wrap(err, "making the cache directory")
	}
	final := filepath.Join(cache, "postgres-"+string(downloadVersion))
	if p, err := downloaded(ctx, final); err == nil {
		return p, nil
	}
	// One downloads, the others wait and find it done.
	lock, err := lockDir(cache, true)
	if err != nil {
		return programs{}, err
	}
	defer lock.Close() //nolint:errcheck // closing gives the lock back; nothing was written
	if p, err := downloaded(ctx, final); err == nil {
		return p, nil
	}
	if err := unpackPostgres(ctx, cache, final); err != nil {
		return programs{}, err
	}
	return downloaded(ctx, final)
}

func downloaded(ctx context.Context, dir string) (programs, error) {
	p, err := readPrograms(ctx, filepath.Join(dir, "bin"))
	p.origin = "downloaded to " + dir
	return p, err
}

// unpackPostgres has embedded-postgres fetch and unpack its programs, and
// puts them in place when they are whole.
//
// The library does so only as the first part of starting a server, which we
// cannot let it do: it cannot run one as another user. So the start is made
// to fail right after, by a data directory that cannot be: one inside a file.
// Whether the programs are there tells how it went.
func unpackPostgres(ctx context.Context, cache, final string) error {
	half, err := os.MkdirTemp(cache, "postgres-*.new")
	if err != nil {
		return errors.Wrap(err, "making a directory to unpack Postgres in")
	}
	defer os.RemoveAll(half) //nolint:errcheck // what is left over is only space
	obstacle := filepath.Join(half, "obstacle")
	if err := os.WriteFile(obstacle, nil, 0o644); err != nil {
		return errors.Wrap(err, "preparing to unpack Postgres")
	}
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	unpacked := filepath.Join(half, "programs")
	startErr := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(downloadVersion).
		Port(uint32(port)).
		RuntimePath(filepath.Join(half, "runtime")).
		BinariesPath(unpacked).
		DataPath(filepath.Join(obstacle, "data")).
		Logger(io.Discard)).Start()
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(unpacked, "bin", name)); err != nil {
			return errors.Wrapf(errors.CombineErrors(startErr, err), "no Postgres of version %d or later was found on this machine, and downloading version %s failed: install Postgres, or try again with access to Maven Central", oldestPostgres, downloadVersion)
		}
	}
	if err := os.Chmod(unpacked, 0o755); err != nil {
		return errors.Wrap(err, "opening the downloaded Postgres for its user")
	}
	if err := os.RemoveAll(final); err != nil {
		return errors.Wrapf(err, "removing the broken Postgres in %s", final)
	}
	return errors.Wrap(os.Rename(unpacked, final), "putting the downloaded Postgres in place")
}
