package projections

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between a folder and Postgres and can see where a transaction
// ends. It counts the round trips, and does with the first COMMIT whatever
// the test wants.
type proxy struct {
	t      testing.TB
	listen net.Listener
	server string
	cut    atomic.Pointer[cut]
	conns  sync.WaitGroup
}

// cancelRequest stands in the first frame of a connection that is to cancel
// what another one runs.
const cancelRequest = 80877102

// cut is what becomes of the connection that sends COMMIT. It gets the frames
// with it, which it may forward. gone is closed when the server has ended the
// connection.
type cut func(client, server net.Conn, frames []byte, gone <-chan struct{})

func newProxy(t testing.TB, address string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, listen: l, server: u.Host}
	p.conns.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.conns.Wait()
	})
	u.Host = l.Addr().String()
	return p, u.String()
}

func (p *proxy) accept() {
	for {
		client, err := p.listen.Accept()
		if err != nil {
			return
		}
		p.conns.Go(func() { p.serve(client) })
	}
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		p.t.Error(err)
		return
	}
	defer server.Close()
	gone := make(chan struct{})
	p.conns.Go(func() {
		defer close(gone)
		_, _ = io.Copy(client, server)     // ends when either is closed
		_, _ = io.Copy(io.Discard, server) // the client may be gone before the server
		client.Close()
	})
	p.forward(client, server, gone)
}

// forward passes the client's frames on. The first has no type.
func (p *proxy) forward(client, server net.Conn, gone <-chan struct{}) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(client, head[:4]); err != nil {
		return
	}
	rest := make([]byte, binary.BigEndian.Uint32(head)-4)
	if _, err := io.ReadFull(client, rest); err != nil {
		return
	}
	// A driver that loses its connection asks on another one to cancel what runs.
	// Whether that comes before the end of COMMIT is chance: here it never does.
	if binary.BigEndian.Uint32(rest) == cancelRequest {
		return
	}
	if _, err := server.Write(append(head[:4:4], rest...)); err != nil {
		return
	}
	commits := map[string]bool{}
	var held []byte
	for {
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		frame := make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
		copy(frame, head)
		if _, err := io.ReadFull(client, frame[5:]); err != nil {
			return
		}
		switch parts := strings.SplitN(string(frame[5:]), "\x00", 3); {
		case head[0] == 'P' && parts[1] == "COMMIT":
			commits[parts[0]] = true
		case head[0] == 'B' && commits[parts[1]] && p.cut.Load() != nil:
			held = []byte{}
		}
		if held != nil {
			if held = append(held, frame...); head[0] != 'S' {
				continue
			}
			(*p.cut.Swap(nil))(client, server, held, gone)
			return
		}
		if _, err := server.Write(frame); err != nil {
			return
		}
	}
}
