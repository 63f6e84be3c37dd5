// Package devstack starts the servers that badgestream needs, for `badgestream
// dev`, for tests and for benchmarks: Kafka, Postgres and Redis, all on the
// loopback address, none of them installed or started by hand.
//
// Every server has the same verbs. Stop lets it finish, Kill takes it away in
// the middle of whatever it does, Start brings it back on the same port and
// the same directory. A server counts as started when it has answered.
//
// Child processes do not outlive this one on Linux, even if it is killed.
// Elsewhere they can, and the next start names what still runs.
package devstack

import (
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/errors"
)

// The addresses of `badgestream dev`. They are not the servers' usual ports,
// so that nothing clashes with servers that are installed on the machine.
const (
	DefaultKafkaPort    = 19192
	DefaultPostgresPort = 15532
	DefaultRedisPort    = 16479

	DefaultBrokers     = "127.0.0.1:19192"
	DefaultPostgresURL = "postgres://badgestream@127.0.0.1:15532/badgestream?sslmode=disable"
	DefaultRedisURL    = "redis://127.0.0.1:16479/0"
)

// MaxMessageBytes is the largest record batch that our brokers take. It is
// above schemas.MaxValueBytes, so that a value which is too large reaches the
// engine and is rejected there, as it can be with a broker of the user's.
const MaxMessageBytes = 16 << 20

// startLimit bounds one server's start, also where the caller's context does not.
const startLimit = 2 * time.Minute

// CacheDir is where downloaded servers are kept between runs. It is the user's
// cache directory, but for root a directory of the system: Postgres runs as
// another user there, who cannot enter root's home.
func CacheDir() (string, error) {
	if isRoot() {
		const system = "/var/cache/badgestream"
		if os.MkdirAll(system, 0o755) == nil {
			return system, nil
		}
		return filepath.Join(os.TempDir(), "badgestream-cache"), nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", errors.Wrap(err, "finding the user's cache directory (set XDG_CACHE_HOME or HOME)")
	}
	return filepath.Join(dir, "badgestream"), nil
}

// DefaultDir is where `badgestream dev` keeps its data if it is not told
// otherwise: a directory that the user who runs Postgres can enter.
func DefaultDir() (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "dev"), nil
}
