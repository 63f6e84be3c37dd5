package wire

import (
	"bufio"
	"context"
	"net"
	"sync"
)

// dialect reads one connection's messages. Requests and replies are read by two
// goroutines.
type dialect interface {
	// request reads the client's next frame. The message is empty if no point
	// can name it.
	request(*bufio.Reader) (frame []byte, message string, err error)
	// reply reads the server's next frame. The message is the one whose request
	// it answers, at the first frame from which the client could know that it
	// is done.
	reply(*bufio.Reader) (frame []byte, message string, err error)
}

// conn is one client's connection, and ours to the server for it.
type conn struct {
	proxy          *Proxy
	dialect        dialect
	client, server *net.TCPConn
	ctx            context.Context // ends with the connection to the server
	cancel         context.CancelFunc
	ended          chan struct{}
}

func (c *conn) run() {
	defer close(c.ended)
	defer c.cancel()
	var both sync.WaitGroup
	both.Go(c.requests)
	both.Go(c.replies)
	both.Wait()
	_, _ = c.client.Close(), c.server.Close() // both have ended
}

// requests passes on what the client says. When the client has ended, or was
// killed, the server is told once all that was sent before is there.
func (c *conn) requests() {
	in := bufio.NewReaderSize(c.client, 64<<10)
	for {
		frame, message, err := c.dialect.request(in)
		if err != nil {
			c.proxy.unread(err)
			_ = c.server.CloseWrite() // the server may have gone first
			return
		}
		if !c.goesOn(message, Before) {
			return
		}
		if _, err := c.server.Write(frame); err != nil {
			return // replies will notice as well, and close
		}
	}
}

// replies passes on what the server says. A client that has gone stops nothing:
// its last requests may be on their way.
func (c *conn) replies() {
	defer func() {
		c.cancel()
		_ = c.client.Close() // it may have gone first
	}()
	in := bufio.NewReaderSize(c.server, 64<<10)
	for gone := false; ; {
		frame, message, err := c.dialect.reply(in)
		if err != nil {
			c.proxy.unread(err)
			return
		}
		if !c.goesOn(message, After) {
			return
		}
		if !gone {
			_, err := c.client.Write(frame)
			gone = err != nil
		}
	}
}

// goesOn plays the faults that are armed for a message. It reports whether the
// message may pass.
func (c *conn) goesOn(message string, side Side) bool {
	verdict := Pass
	if message != "" {
		for _, a := range c.proxy.points.take(message, side) {
			verdict = max(verdict, a.fault(c.ctx))
			defer close(a.over)
		}
	}
	switch verdict {
	case Reset:
		c.reset()
		return false
	case Close:
		_, _ = c.client.Close(), c.server.Close() // one of them may have gone
		c.cancel()
		return false
	}
	c.proxy.pass(c.ctx)
	return true
}

// reset ends both sides the hard way.
func (c *conn) reset() {
	abort(c.client)
	abort(c.server)
	c.cancel()
}

// abort closes with a reset, so that nothing which is buffered still arrives.
func abort(c *net.TCPConn) {
	_ = c.SetLinger(0) // it may be closed already
	_ = c.Close()
}
