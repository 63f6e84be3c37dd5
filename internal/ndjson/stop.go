package ndjson

import (
	"context"
	"errors"
	"io"
)

// Until makes reads of in end with the context's error once it is done, even
// one that waits for somebody at a terminal. Such a read itself goes on: it is
// for the standard input of a process that is about to end.
func Until(ctx context.Context, in io.Reader) io.Reader {
	out, feed := io.Pipe()
	go func() {
		_, err := io.Copy(feed, in)
		feed.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { out.CloseWithError(context.Cause(ctx)) })
	return &pipe{ctx, out}
}

// pipe tells why its reader was closed.
type pipe struct {
	ctx context.Context
	out *io.PipeReader
}

func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	if errors.Is(err, io.ErrClosedPipe) && p.ctx.Err() != nil {
		err = context.Cause(p.ctx)
	}
	return n, err
}
