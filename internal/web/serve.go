package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/cockroachdb/errors"
)

// graceful bounds how long answers in flight may take at the end.
const graceful = 3 * time.Second

// Serve answers on addr (host:port) until ctx ends, lets answers in flight
// finish for a few seconds, and returns nil. It fails at once if it cannot
// listen there.
func Serve(ctx context.Context, addr string, handler http.Handler, log *slog.Logger) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return errors.Wrapf(err, "listening on %s for HTTP (choose another address with --http, or none)", addr)
	}
	return serveOn(ctx, listener, handler, log)
}

func serveOn(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	log.InfoContext(ctx, "serving HTTP", "address", listener.Addr().String())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return errors.Wrapf(err, "serving HTTP on %s", listener.Addr())
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceful)
	defer cancel()
	if err := server.Shutdown(limited); err != nil {
		log.WarnContext(ctx, "some HTTP answers were cut off", "error", err)
		if err := server.Close(); err != nil {
			return errors.Wrap(err, "closing the HTTP server")
		}
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return errors.Wrapf(err, "serving HTTP on %s", listener.Addr())
	}
	return nil
}
