// Package web is the process's HTTP side: what operators and their machines
// ask it.
package web

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"

	"github.com/badgestream/badgestream/internal/telemetry"
)

// Option adds to the handler.
type Option func(*http.ServeMux)

// WithPprof serves Go's profiles under /debug/pprof/. They show memory and
// can slow the process, so they are for those whom one trusts.
func WithPprof() Option {
	return func(mux *http.ServeMux) {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
}

// Handler serves three paths:
//
//	/metrics   Prometheus's format, from metrics
//	/healthz   200 while the process lives: restart it otherwise
//	/readyz    200 while all components are ready, else 503; JSON names them
func Handler(health *telemetry.Health, metrics http.Handler, options ...Option) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		// Whoever asked may have left; there is nobody else to tell.
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /readyz", readiness(health))
	for _, o := range options {
		o(mux)
	}
	return mux
}

// readyBody is what /readyz answers.
type readyBody struct {
	Ready      bool                  `json:"ready"`
	Components []telemetry.Component `json:"components"`
}

func readiness(health *telemetry.Health) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		components, ready := health.Report()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		// Whoever asked may have left; there is nobody else to tell.
		_ = json.NewEncoder(w).Encode(readyBody{Ready: ready, Components: components})
	}
}
