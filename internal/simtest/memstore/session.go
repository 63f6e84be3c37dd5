package memstore

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
)

// errSession is what a client sees of a session that the server has ended.
var errSession = errors.New("memstore: terminating connection due to administrator command")

// session is the server's end of a connection.
type session struct {
	locked []string // names of locks that it has or waits for
	gone   chan struct{}
}

func (c *session) ended() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

func (s *Server) begin() *session {
	c := &session{gone: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[c] = struct{}{}
	return c
}

// finish ends a session, unless it has ended.
func (s *Server) finish(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(c)
}

// end takes all from a session; the caller holds mu.
func (s *Server) end(c *session) {
	if c.ended() {
		return
	}
	close(c.gone)
	delete(s.sessions, c)
	for slot, holder := range s.leases {
		if holder == c {
			delete(s.leases, slot)
		}
	}
	s.release(c)
}

// pause waits for a while, or until the context ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
