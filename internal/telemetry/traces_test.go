package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	span "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// fakeCollector takes spans over OTLP and keeps them.
type fakeCollector struct {
	mu    sync.Mutex
	spans map[string]*span.Span
}

func (c *fakeCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "not OTLP traces", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range request.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				c.spans[s.Name] = s
			}
		}
	}
}

func clearEnvironment(t *testing.T) {
	for _, name := range []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER",
		"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_SDK_DISABLED",
	} {
		t.Setenv(name, "")
	}
}

const producerTrace = "4bf92f3577b34da6a3ce929d0e0e4736"

func producedBy(key string) []kgo.RecordHeader {
	return []kgo.RecordHeader{{Key: key, Value: []byte("00-" + producerTrace + "-00f067aa0ba902b7-01")}}
}

func TestABatchIsOneTraceWithLinks(t *testing.T) {
	clearEnvironment(t)
	got := &fakeCollector{spans: map[string]*span.Span{}}
	server := httptest.NewServer(got)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)

	var lines bytes.Buffer
	tel, err := New(t.Context(), Config{Log: &lines, JSON: true})
	if err != nil {
		t.Fatal(err)
	}
	var links []trace.Link
	links = tel.Link(links, producedBy("traceparent"))
	links = tel.Link(links, producedBy("ce_traceparent"))
	links = tel.Link(links, []kgo.RecordHeader{{Key: "traceparent", Value: []byte("garbage")}, {Key: "ce_id"}})
	if len(links) != 2 {
		t.Fatalf("%d links of two records with a traceparent", len(links))
	}
	batchCtx, batch := tel.Batch(t.Context(), links)
	for _, stage := range []string{StageFold, StageSnapshots, StagePublish} {
		ctx, s := tel.Stage(batchCtx, stage)
		tel.Log.InfoContext(ctx, "working")
		tel.End(s, map[bool]error{true: errors.New("the broker is gone")}[stage == StagePublish])
	}
	tel.End(batch, nil)
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}

	root := got.spans["batch"]
	if root == nil || len(got.spans) != 4 {
		t.Fatalf("spans are %v", got.spans)
	}
	if len(root.Links) != 2 || trace.TraceID(root.Links[0].TraceId).String() != producerTrace {
		t.Errorf("links are %v", root.Links)
	}
	for _, stage := range []string{StageFold, StageSnapshots, StagePublish} {
		s := got.spans[stage]
		if !bytes.Equal(s.TraceId, root.TraceId) || !bytes.Equal(s.ParentSpanId, root.SpanId) {
			t.Errorf("%s does not hang below its batch", stage)
		}
		if failed := s.Status.GetCode() == span.Status_STATUS_CODE_ERROR; failed != (stage == StagePublish) {
			t.Errorf("%s has status %v", stage, s.Status)
		}
	}
	line, _, _ := bytes.Cut(lines.Bytes(), []byte("\n"))
	var logged map[string]string
	if err := json.Unmarshal(line, &logged); err != nil {
		t.Fatal(err)
	}
	fold := got.spans[StageFold]
	if logged["trace_id"] != trace.TraceID(fold.TraceId).String() || logged["span_id"] != trace.SpanID(fold.SpanId).String() {
		t.Errorf("the log line %s does not name its span", line)
	}
}

func TestABatchHasSixteenLinksAtMost(t *testing.T) {
	clearEnvironment(t)
	server := httptest.NewServer(&fakeCollector{spans: map[string]*span.Span{}})
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", server.URL+"/v1/traces")
	tel := start(t, Config{})
	var links []trace.Link
	for range 40 {
		links = tel.Link(links, producedBy("traceparent"))
	}
	if len(links) != 16 {
		t.Errorf("%d links", len(links))
	}
}

func TestWithoutAnExporterTracesCostNothing(t *testing.T) {
	clearEnvironment(t)
	tel := start(t, Config{})
	client := redis.NewClient(&redis.Options{})
	defer client.Close()
	if err := tel.RedisHooks(client); err != nil {
		t.Fatal(err)
	}
	if tel.Tracing() {
		t.Error("traces are on")
	}
	ctx, headers := t.Context(), producedBy("traceparent")
	allocs := testing.AllocsPerRun(100, func() {
		links := tel.Link(nil, headers)
		batch, span := tel.Batch(ctx, links)
		_, stage := tel.Stage(batch, StageFold)
		tel.End(stage, nil)
		tel.End(span, nil)
	})
	if allocs != 0 {
		t.Errorf("a batch without traces allocates %v times", allocs)
	}
}

func TestTheEnvironmentDecides(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, c := range map[string]struct {
		env  map[string]string
		want bool
		err  string
	}{
		"nothing":        {},
		"an endpoint":    {env: map[string]string{endpoint: "http://collector:4318"}, want: true},
		"traces' own":    {env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318"}, want: true},
		"disabled":       {env: map[string]string{endpoint: "http://c", "OTEL_SDK_DISABLED": "true"}},
		"no exporter":    {env: map[string]string{endpoint: "http://c", "OTEL_TRACES_EXPORTER": "none"}},
		"other exporter": {env: map[string]string{endpoint: "http://c", "OTEL_TRACES_EXPORTER": "zipkin"}, err: `OTEL_TRACES_EXPORTER is "zipkin"`},
		"other protocol": {env: map[string]string{endpoint: "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, err: `is "grpc"`},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnvironment(t)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			tel, err := New(t.Context(), Config{})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error is %v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tel.Tracing() != c.want {
				t.Errorf("tracing is %v", tel.Tracing())
			}
			if err := tel.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSpansThatCannotBeSentAreLogged(t *testing.T) {
	clearEnvironment(t)
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	var lines bytes.Buffer
	tel, err := New(t.Context(), Config{Log: &lines})
	if err != nil {
		t.Fatal(err)
	}
	_, s := tel.Batch(t.Context(), nil)
	tel.End(s, nil)
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(lines.String(), "spans could not be sent") || !strings.Contains(lines.String(), "404") {
		t.Errorf("the log is %q", lines.String())
	}
}
