package telemetry

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
)

// newResource says who tells: by default badgestream, and whatever
// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say.
func newResource(ctx context.Context, version string) (*resource.Resource, error) {
	attrs := []attribute.KeyValue{attribute.String("service.name", "badgestream")}
	if version != "" {
		attrs = append(attrs, attribute.String("service.version", version))
	}
	// Of two equal keys the later one stays, so the environment comes last.
	res, err := resource.New(ctx,
		resource.WithTelemetrySDK(), resource.WithAttributes(attrs...), resource.WithFromEnv())
	return res, errors.Wrap(err, "reading OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME")
}

// startMetrics makes the registry, the meter and the pipeline's instruments.
func (t *Telemetry) startMetrics(res *resource.Resource) error {
	t.registry = prometheus.NewRegistry()
	t.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	exporter, err := otelprometheus.New(
		otelprometheus.WithRegisterer(t.registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return errors.Wrap(err, "making the Prometheus exporter")
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(res))
	t.shutdown = append(t.shutdown, provider.Shutdown)
	t.Meter = provider.Meter(scope)
	t.Pipeline, err = newPipeline(t.Meter)
	return err
}
