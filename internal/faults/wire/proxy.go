package wire

import (
	"context"
	"io"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
)

// dialTime bounds how long a proxy tries to reach its server.
const dialTime = 5 * time.Second

// Proxy stands before one server, or before all brokers of a Kafka cluster.
type Proxy struct {
	protocol Protocol
	ctx      context.Context // ends with Close
	end      context.CancelFunc
	points   arsenal
	work     sync.WaitGroup

	mu     sync.Mutex // guards what follows
	routes map[string]*net.TCPListener
	first  string
	conns  map[*conn]struct{}
	refuse bool
	gate   chan struct{} // closed while messages may pass
	err    error
}

// Listen opens a proxy before a server, given as HOST:PORT. Of a Kafka cluster
// one broker will do. It lives until Close; the context bounds the opening.
func Listen(ctx context.Context, protocol Protocol, server string) (*Proxy, error) {
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	p := &Proxy{protocol: protocol, ctx: living, end: end, routes: map[string]*net.TCPListener{}, conns: map[*conn]struct{}{}, gate: make(chan struct{})}
	close(p.gate)
	address, err := p.route(server)
	if err != nil {
		end()
		return nil, err
	}
	p.first = address
	return p, nil
}

// Address is where clients connect to, as HOST:PORT.
func (p *Proxy) Address() string { return p.first }

// Arm has the fault happen at the point, once.
func (p *Proxy) Arm(at Point, fault Fault) *Armed { return p.points.arm(at, fault) }

// Disarm takes a point back that has not fired.
func (p *Proxy) Disarm(a *Armed) { p.points.disarm(a) }

// Err is the first message that the proxy could not read. The connection was
// ended, which no fault asked for: what was tested means nothing.
func (p *Proxy) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Seen says which messages clients have sent so far, and how many of each.
func (p *Proxy) Seen() map[string]int {
	p.points.mu.Lock()
	defer p.points.mu.Unlock()
	return maps.Clone(p.points.seen)
}

// Cut resets all connections of now. New ones are taken.
func (p *Proxy) Cut() {
	for _, c := range p.open() {
		c.reset()
	}
}

// Refuse resets, while it is on, every new connection at once, as if no server
// were there. Those of now stay.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
}

// Stall lets nothing pass in either direction until the function that it
// returns is called. Connections stay open, and new ones are taken.
func (p *Proxy) Stall() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	gate := make(chan struct{})
	p.gate = gate
	return sync.OnceFunc(func() { close(gate) })
}

// Drained waits until no connection is left, and resets those that still are
// when the context ends. It is for after a client's death: what it had sent
// still goes on its way.
func (p *Proxy) Drained(ctx context.Context) {
	for _, c := range p.open() {
		select {
		case <-c.ended:
		case <-ctx.Done():
			c.reset()
			<-c.ended
		}
	}
}

// Close ends everything and waits for it.
func (p *Proxy) Close() {
	p.end()
	p.mu.Lock()
	for _, l := range p.routes {
		_ = l.Close() // it was open
	}
	p.mu.Unlock()
	p.Cut()
	p.work.Wait()
}

func (p *Proxy) open() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*conn, 0, len(p.conns))
	for c := range p.conns {
		all = append(all, c)
	}
	return all
}

// route is the address of ours that stands for a server's. It is made at first.
func (p *Proxy) route(server string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return "", errors.New("the proxy is closed")
	}
	l := p.routes[server]
	if l == nil {
		made, err := (&net.ListenConfig{}).Listen(p.ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return "", errors.Wrapf(err, "open a proxy for %s", server)
		}
		l = made.(*net.TCPListener)
		p.routes[server] = l
		p.work.Go(func() { p.accept(l, server) })
	}
	return l.Addr().String(), nil
}

func (p *Proxy) accept(l *net.TCPListener, server string) {
	for {
		client, err := l.AcceptTCP()
		if err != nil {
			return // it was closed
		}
		p.work.Go(func() { p.serve(client, server) })
	}
}

func (p *Proxy) serve(client *net.TCPConn, server string) {
	p.mu.Lock()
	refuse := p.refuse
	p.mu.Unlock()
	dialer := net.Dialer{Timeout: dialTime}
	upstream, err := dialer.DialContext(p.ctx, "tcp", server)
	if refuse || err != nil {
		abort(client)
		if err == nil {
			_ = upstream.Close() // nothing was sent
		}
		return
	}
	c := &conn{proxy: p, client: client, server: upstream.(*net.TCPConn), ended: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(p.ctx)
	switch p.protocol {
	case Kafka:
		c.dialect = &kafka{route: p.route, asked: map[int32]asked{}}
	case Postgres:
		c.dialect = &postgres{statements: map[string]string{}}
	case Redis:
		c.dialect = &redis{}
	}
	p.mu.Lock()
	p.conns[c] = struct{}{}
	p.mu.Unlock()
	c.run()
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
}

// unread notes why a connection's messages could not be read on, unless the
// connection just ended.
func (p *Proxy) unread(err error) {
	var broken *net.OpError
	if errors.IsAny(err, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed) || errors.As(err, &broken) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = errors.Wrapf(err, "%s proxy", p.protocol)
	}
}

// pass waits until messages may pass.
func (p *Proxy) pass(ctx context.Context) {
	for {
		p.mu.Lock()
		gate := p.gate
		p.mu.Unlock()
		select {
		case <-gate:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		same := gate == p.gate
		p.mu.Unlock()
		if same {
			return
		}
	}
}
