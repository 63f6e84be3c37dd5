package devstack

import (
	"context"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"
)

// The range that free ports are taken from lies below every system's range
// for outgoing connections. A client that tries again and again to reach a
// server which is down could otherwise be given that very port as its own.
const firstFreePort, lastFreePort = 20000, 32000

// freePort finds a port that nobody listens on.
func freePort(ctx context.Context) (int, error) {
	for range 100 {
		port := firstFreePort + rand.IntN(lastFreePort-firstFreePort)
		if touch(ctx, port) == nil {
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

// portIsFree fails if somebody listens on the port: a stranger there would
// answer our questions in place of the server that we start.
func portIsFree(ctx context.Context, port int) error {
	return bind(ctx, port, func() error { return touch(ctx, port) })
}

// touch listens on the port for a moment.
func touch(ctx context.Context, port int) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", loopback(port))
	if err != nil {
		return err
	}
	return l.Close()
}

// bind has take listen on the port, and tries again for a second while it is
// in use: a port that we have just let go of can seem taken, as a child which
// is being forked holds a copy of our socket until it has become its program.
func bind(ctx context.Context, port int, take func() error) error {
	until := time.Now().Add(time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := take()
		if !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
		if time.Now().After(until) {
			return errors.Wrapf(err, "port %d of 127.0.0.1 is taken, perhaps by another `badgestream dev`: stop it or choose another port", port)
		}
		select {
		case <-ctx.Done():
			return errors.Wrapf(ctx.Err(), "waiting for port %d of 127.0.0.1", port)
		case <-tick.C:
		}
	}
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
