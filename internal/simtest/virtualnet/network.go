// Package virtualnet is a network in memory, for a broker and its clients in a
// bubble of testing/synctest: whoever waits on it waits durably, so that time
// passes. Bytes take time, and connections break as the test decides.
package virtualnet

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
)

// Network connects hosts with listeners.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*listener
}

// New makes a network without anybody.
func New() *Network { return &Network{listeners: map[string]*listener{}} }

// Listen is net.Listen.
func (n *Network) Listen(_, address string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[address] != nil {
		return nil, errors.Newf("%s is taken", address)
	}
	l := &listener{network: n, address: addr(address), arrivals: make(chan net.Conn, 64), closed: make(chan struct{})}
	n.listeners[address] = l
	return l, nil
}

// Weather decides what becomes of what is written. It is asked at each write of
// a host, or to it.
type Weather interface {
	// Packet says when bytes arrive, and what becomes of the connection. Out is
	// what the host sends.
	Packet(out bool, bytes []byte) (delay time.Duration, fate Fate)
}

// Fate is what becomes of a connection with a write.
type Fate uint8

// The fates.
const (
	// Arrives: the bytes arrive.
	Arrives Fate = iota
	// Lost: the connection breaks, and the bytes are lost.
	Lost
	// Last: the bytes arrive, and the connection breaks. Nothing is heard of what
	// they asked for.
	Last
)

// Host is one that dials.
type Host struct {
	network *Network
	weather Weather

	mu    sync.Mutex
	conns map[*conn]struct{}
	dead  bool
}

// Host makes a host.
func (n *Network) Host(w Weather) *Host {
	return &Host{network: n, weather: w, conns: map[*conn]struct{}{}}
}

// handshake is how long it takes to connect, or to learn that one cannot: who
// tries again at once, as clients do, lets time pass by it.
const handshake = time.Millisecond

// DialContext is net.Dialer.DialContext.
func (h *Host) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	timer := time.NewTimer(handshake)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	h.network.mu.Lock()
	l := h.network.listeners[address]
	h.network.mu.Unlock()
	if l == nil {
		return nil, errors.Newf("dial %s: connection refused", address)
	}
	here, there := newPair(h, address)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead {
		return nil, errors.Newf("dial %s: the host is dead", address)
	}
	select {
	case l.arrivals <- there:
		h.conns[here] = struct{}{}
		return here, nil
	case <-l.closed:
		return nil, errors.Newf("dial %s: connection refused", address)
	default:
		return nil, errors.Newf("dial %s: too many connections wait", address)
	}
}

// Cut breaks all connections of the host.
func (h *Host) Cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		c.reset()
	}
	clear(h.conns)
}

// Kill breaks all connections and lets the host make no others.
func (h *Host) Kill() {
	h.mu.Lock()
	h.dead = true
	h.mu.Unlock()
	h.Cut()
}

func (h *Host) forget(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
}

type listener struct {
	network  *Network
	address  addr
	arrivals chan net.Conn
	once     sync.Once
	closed   chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.arrivals:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		delete(l.network.listeners, string(l.address))
	})
	return nil
}

func (l *listener) Addr() net.Addr { return l.address }

type addr string

func (addr) Network() string  { return "virtual" }
func (a addr) String() string { return string(a) }
