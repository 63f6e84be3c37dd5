package telemetry

import (
	"context"
	"log/slog"
	"os"
	"strings"

	"github.com/cockroachdb/errors"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// startTraces makes the tracer provider: one that makes nothing, unless an
// exporter is configured.
func (t *Telemetry) startTraces(ctx context.Context, res *resource.Resource) error {
	wanted, err := tracesWanted()
	if err != nil {
		return err
	}
	if !wanted {
		t.traces = tracenoop.NewTracerProvider()
		return nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return errors.Wrap(err, "making the OTLP trace exporter")
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(logged{exporter, t.Log}), sdktrace.WithResource(res))
	t.traces, t.tracing = provider, true
	t.shutdown = append(t.shutdown, provider.Shutdown)
	return nil
}

// tracesWanted reads OpenTelemetry's environment variables, as its
// specification names them. It refuses what we would otherwise pass over.
func tracesWanted() (bool, error) {
	endpoint := firstOf("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	if endpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	switch name := os.Getenv("OTEL_TRACES_EXPORTER"); name {
	case "", "otlp":
	case "none":
		return false, nil
	default:
		return false, errors.Newf("OTEL_TRACES_EXPORTER is %q: set it to otlp or none", name)
	}
	switch protocol := firstOf("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"); protocol {
	case "", "http/protobuf":
		return true, nil
	default:
		return false, errors.Newf("the OTLP protocol in the environment is %q: badgestream sends traces by http/protobuf alone, so set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL to that and the endpoint to the collector's HTTP port", protocol)
	}
}

func firstOf(names ...string) string {
	for _, name := range names {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// logged tells of spans that could not be sent in our log: the SDK would tell
// a global handler, which prints.
type logged struct {
	sdktrace.SpanExporter
	log *slog.Logger
}

func (l logged) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := l.SpanExporter.ExportSpans(ctx, spans); err != nil {
		l.log.WarnContext(ctx, "spans could not be sent and are lost", "spans", len(spans), "error", err)
	}
	return nil
}
