// Package telemetry makes the logger, the meter and the tracer, and hands
// them out: nothing in it is global. Metrics are always kept, for /metrics
// and for whoever draws them; traces exist only where an exporter is named.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/cockroachdb/errors"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// scope names our instruments and spans to OpenTelemetry.
const scope = "github.com/badgestream/badgestream"

// Config says how to tell. The zero value logs nothing.
type Config struct {
	// Log is where log lines go; nil discards them.
	Log io.Writer
	// Level is the least level that is logged; the zero value is info.
	Level slog.Level
	// JSON logs one JSON object a line in place of key=value text.
	JSON bool
	// Version is this program's, for traces and target_info.
	Version string
}

// Telemetry is what a process tells about itself. All of it may be used from
// many goroutines.
type Telemetry struct {
	// Log adds trace_id and span_id from the context of each call.
	Log *slog.Logger
	// Tracer makes no spans where no exporter is configured.
	Tracer trace.Tracer
	Meter  metric.Meter
	// Pipeline holds the engine's own figures.
	Pipeline *Pipeline
	// Health says whether the process is ready to do its work.
	Health *Health

	traces   trace.TracerProvider
	tracing  bool
	registry *prometheus.Registry
	shutdown []func(context.Context) error
}

// New makes a process's telemetry. Traces go out over OTLP and HTTP if
// OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set, by
// OpenTelemetry's own environment variables; it fails where these ask for
// what badgestream cannot do. Shutdown must be called at the end.
func New(ctx context.Context, cfg Config) (*Telemetry, error) {
	t := &Telemetry{Log: newLogger(cfg), Health: newHealth()}
	res, err := newResource(ctx, cfg.Version)
	if err != nil {
		return nil, err
	}
	if err := t.startMetrics(res); err != nil {
		return nil, err
	}
	if err := t.startTraces(ctx, res); err != nil {
		return nil, err
	}
	t.Tracer = t.traces.Tracer(scope)
	return t, nil
}

// Discard is telemetry that tells nobody. Its Pipeline still counts, and its
// Health still remembers.
func Discard() *Telemetry {
	t := &Telemetry{
		Log:      slog.New(slog.DiscardHandler),
		Meter:    metricnoop.NewMeterProvider().Meter(scope),
		Health:   newHealth(),
		traces:   tracenoop.NewTracerProvider(),
		registry: prometheus.NewRegistry(),
	}
	t.Tracer = t.traces.Tracer(scope)
	// The no-op meter refuses nothing.
	t.Pipeline, _ = newPipeline(t.Meter)
	return t
}

// Handler serves the metrics in Prometheus's format.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{Registry: t.registry})
}

// Tracing says whether spans go anywhere: where they don't, there is no need
// to gather what only spans would hold.
func (t *Telemetry) Tracing() bool { return t.tracing }

// Shutdown sends the spans that are left, and stops. It goes on after an error.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	var err error
	for _, stop := range t.shutdown {
		err = errors.CombineErrors(err, stop(ctx))
	}
	return errors.Wrap(err, "stopping telemetry")
}
