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
	"context"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
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

// The range that free ports are taken from lies below every system's range
// for outgoing connections. A client that tries again and again to reach a
// server which is down could otherwise be given that very port as its own.
const firstFreePort, lastFreePort = 20000, 32000

// freePort finds a port that nobody listens on.
func freePort(ctx context.Context) (int, error) {
	for range 100 {
		port := firstFreePort + rand.IntN(lastFreePort-firstFreePort)
		if portIsFree(ctx, port) == nil {
			return port, nil
		}
	}
	return 0, errors.Newf("no free port found between %d and %d", firstFreePort, lastFreePort)
}

// portOr answers with port, or with a free one if it is 0.
func portOr(ctx context.Context, port int) (int, error) {
	if port != 0 {
		return port, nil
	}
	return freePort(ctx)
}

// portIsFree says who is in the way, as far as can be known: a stranger on the
// port would answer our questions in place of the server that we start.
func portIsFree(ctx context.Context, port int) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", loopback(port))
	if err != nil {
		return errors.Wrapf(err, "port %d of 127.0.0.1 is taken, perhaps by another `badgestream dev`: stop it or choose another port", port)
	}
	return l.Close()
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
