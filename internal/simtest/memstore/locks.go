package memstore

import (
	"context"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
)

// locks are the rows that are locked, and who waits for them. Waiters come in
// line, also those who would share.
type locks map[string]*lock

type lock struct {
	holders map[*session]bool // true: alone
	line    []*waiter
}

type waiter struct {
	session *session
	alone   bool
	granted chan struct{}
}

// errLockTimeout is what Postgres answers when a lock is held for too long.
var errLockTimeout = errors.New("canceling statement due to lock timeout")

// lock waits for a row, or a lock of another name, and holds it until the
// session's transaction ends. patience bounds the wait; 0 is none.
func (s *Server) lock(ctx context.Context, c *session, name string, alone bool, patience time.Duration) error {
	s.mu.Lock()
	if c.ended() {
		s.mu.Unlock()
		return errSession
	}
	l := s.locks[name]
	if l == nil {
		l = &lock{holders: map[*session]bool{}}
		s.locks[name] = l
	}
	if had, ok := l.holders[c]; ok && (had || !alone) {
		s.mu.Unlock()
		return nil
	}
	w := &waiter{session: c, alone: alone, granted: make(chan struct{})}
	l.line = append(l.line, w)
	c.locked = append(c.locked, name)
	s.grant(name, l)
	s.mu.Unlock()

	var late <-chan time.Time
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	}
	var err error
	select {
	case <-w.granted:
		return nil
	case <-late:
		err = errLockTimeout
	case <-c.gone:
		err = errSession
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.line = slices.DeleteFunc(l.line, func(o *waiter) bool { return o == w })
	s.grant(name, l)
	return err
}

// grant lets those pass who can.
func (s *Server) grant(name string, l *lock) {
	for len(l.line) > 0 {
		w := l.line[0]
		for holder, alone := range l.holders {
			if holder != w.session && (alone || w.alone) {
				return
			}
		}
		l.holders[w.session] = w.alone
		l.line = l.line[1:]
		close(w.granted)
	}
	// Who gives up may know a lock that is no more, and of whose name there is
	// another by now.
	if len(l.holders) == 0 && s.locks[name] == l {
		delete(s.locks, name)
	}
}

// release gives up all that a session has locked or waits for.
func (s *Server) release(c *session) {
	for _, name := range c.locked {
		if l := s.locks[name]; l != nil {
			delete(l.holders, c)
			l.line = slices.DeleteFunc(l.line, func(w *waiter) bool { return w.session == c })
			s.grant(name, l)
		}
	}
	c.locked = nil
}
