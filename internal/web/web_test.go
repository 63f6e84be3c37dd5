package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/badgestream/badgestream/internal/telemetry"
)

func ask(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

func TestReadyzNamesWhatIsMissing(t *testing.T) {
	tel := telemetry.Discard()
	h := Handler(tel.Health, tel.Handler())
	for _, name := range []string{telemetry.Kafka, telemetry.Postgres, telemetry.Redis, telemetry.Workers} {
		tel.Health.Ready(name)
	}
	if w := ask(t, h, "/readyz"); w.Code != http.StatusOK {
		t.Errorf("all is ready, and the answer is %d: %s", w.Code, w.Body)
	}
	tel.Health.NotReady(telemetry.Redis, "connection refused")
	w := ask(t, h, "/readyz")
	var body struct {
		Ready      bool
		Components []struct{ Name, Reason string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusServiceUnavailable || body.Ready || len(body.Components) != 4 {
		t.Errorf("without Redis the answer is %d: %+v", w.Code, body)
	}
	for _, c := range body.Components {
		if want := map[string]string{"redis": "connection refused"}[c.Name]; c.Reason != want {
			t.Errorf("%s is said to be %q, want %q", c.Name, c.Reason, want)
		}
	}
	if w := ask(t, h, "/healthz"); w.Code != http.StatusOK || w.Body.String() != "ok\n" {
		t.Errorf("alive but not ready, /healthz answers %d %q", w.Code, w.Body)
	}
}

func TestMetricsAreServed(t *testing.T) {
	tel, err := telemetry.New(t.Context(), telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	tel.Pipeline.Awards(t.Context(), 3, 0)
	if w := ask(t, Handler(tel.Health, tel.Handler()), "/metrics"); !strings.Contains(w.Body.String(), "badgestream_badges_awarded_total 3\n") {
		t.Errorf("/metrics answers %d:\n%s", w.Code, w.Body)
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestProfilesOnlyWhereAskedFor(t *testing.T) {
	tel := telemetry.Discard()
	if w := ask(t, Handler(tel.Health, tel.Handler()), "/debug/pprof/"); w.Code != http.StatusNotFound {
		t.Errorf("without the option /debug/pprof/ answers %d", w.Code)
	}
	if w := ask(t, Handler(tel.Health, tel.Handler(), WithPprof()), "/debug/pprof/goroutine?debug=1"); w.Code != http.StatusOK {
		t.Errorf("with the option a profile answers %d", w.Code)
	}
}

// toldOfClose says when its listener is closed: the server has begun to stop.
type toldOfClose struct {
	net.Listener
	closed chan struct{}
	once   sync.Once
}

func (l *toldOfClose) Close() error {
	defer l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func TestServeFinishesTheAnswerInFlight(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-answer
		_, _ = io.WriteString(w, "finished")
	})
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := &toldOfClose{Listener: tcp, closed: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveOn(ctx, listener, slow, slog.New(slog.DiscardHandler)) }()

	type reply struct {
		body string
		err  error
	}
	replies := make(chan reply, 1)
	go func() {
		r, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			replies <- reply{err: err}
			return
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		replies <- reply{string(body), err}
	}()
	<-asked
	stop()
	<-listener.closed
	close(answer)
	if got := <-replies; got.err != nil || got.body != "finished" {
		t.Errorf("the answer in flight was %q, %v", got.body, got.err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("the address still answers")
	}
}

func TestServeSaysThatItsAddressIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var log bytes.Buffer
	err = Serve(t.Context(), taken.Addr().String(), http.NotFoundHandler(), slog.New(slog.NewTextHandler(&log, nil)))
	if err == nil || !strings.Contains(err.Error(), "listening on "+taken.Addr().String()) || !strings.Contains(err.Error(), "--http") {
		t.Errorf("error is %v", err)
	}
}
