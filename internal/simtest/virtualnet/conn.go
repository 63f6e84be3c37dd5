package virtualnet

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// conn is one end of a connection.
type conn struct {
	host    *Host
	out     bool // the host's own end
	in, far *stream
	address addr
}

func newPair(h *Host, address string) (here, there *conn) {
	request, reply := newStream(), newStream()
	return &conn{h, true, reply, request, addr(address)}, &conn{h, false, request, reply, addr(address)}
}

func (c *conn) Read(b []byte) (int, error) { return c.in.read(b) }

// Write never waits: what is under way has room.
func (c *conn) Write(b []byte) (int, error) {
	delay, fate := c.host.weather.Packet(c.out, b)
	switch fate {
	case Lost:
		c.reset()
		return 0, syscall.ECONNRESET
	case Last:
		err := c.far.write(b, delay)
		c.far.end(io.EOF)
		c.in.end(syscall.ECONNRESET)
		return len(b), err
	}
	if err := c.far.write(b, delay); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close ends both directions; what is under way still arrives.
func (c *conn) Close() error {
	c.far.end(io.EOF)
	c.in.end(net.ErrClosed)
	if c.out {
		c.host.forget(c)
	}
	return nil
}

// reset breaks the connection; what is under way is lost.
func (c *conn) reset() {
	c.in.reset()
	c.far.reset()
}

func (c *conn) LocalAddr() net.Addr                { return c.address }
func (c *conn) RemoteAddr() net.Addr               { return c.address }
func (c *conn) SetReadDeadline(t time.Time) error  { c.in.setDeadline(t); return nil }
func (c *conn) SetWriteDeadline(_ time.Time) error { return nil }
func (c *conn) SetDeadline(t time.Time) error      { return c.SetReadDeadline(t) }

// stream is one direction: pieces of bytes with the time when each arrives.
type stream struct {
	mu       sync.Mutex
	pieces   []piece
	ended    error // what a read finds after the last piece
	deadline time.Time
	wake     chan struct{}
}

type piece struct {
	bytes []byte
	at    time.Time
}

func newStream() *stream { return &stream{wake: make(chan struct{}, 1)} }

func (s *stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *stream) write(b []byte, delay time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return syscall.EPIPE
	}
	at := time.Now().Add(delay)
	if n := len(s.pieces); n > 0 && at.Before(s.pieces[n-1].at) {
		at = s.pieces[n-1].at
	}
	s.pieces = append(s.pieces, piece{append([]byte(nil), b...), at})
	s.signal()
	return nil
}

func (s *stream) read(b []byte) (int, error) {
	for {
		n, wait, err := s.take(b)
		if n > 0 || err != nil {
			return n, err
		}
		if wait == 0 {
			<-s.wake
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take reads what has arrived, or says how long to wait for it; 0 is for as
// long as it takes.
func (s *stream) take(b []byte) (n int, wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !s.deadline.IsZero() && !now.Before(s.deadline) {
		return 0, 0, os.ErrDeadlineExceeded
	}
	switch {
	case len(s.pieces) > 0 && !s.pieces[0].at.After(now):
		n = copy(b, s.pieces[0].bytes)
		if s.pieces[0].bytes = s.pieces[0].bytes[n:]; len(s.pieces[0].bytes) == 0 {
			s.pieces = s.pieces[1:]
		}
		return n, 0, nil
	case len(s.pieces) > 0:
		wait = s.pieces[0].at.Sub(now)
	case s.ended != nil:
		return 0, 0, s.ended
	}
	if !s.deadline.IsZero() {
		if left := s.deadline.Sub(now); wait == 0 || left < wait {
			wait = left
		}
	}
	return 0, wait, nil
}

func (s *stream) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended = err
	}
	if errors.Is(err, net.ErrClosed) { // nobody reads any more
		s.pieces, s.ended = nil, err
	}
	s.signal()
}

func (s *stream) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pieces, s.ended = nil, syscall.ECONNRESET
	s.signal()
}

func (s *stream) setDeadline(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	s.signal()
}
