package telemetry

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// maxLinks bounds the links of one batch's span: a sample of who produced
// what is in it.
const maxLinks = 16

// The stages of a batch, as their spans are named.
const (
	StageFold      = "fold"
	StageSnapshots = "snapshots"
	StagePublish   = "publish"
)

// Batch starts the span of one batch, the root of a trace of its own: its
// records come from many traces, and the links lead there. Give the context
// to Stage, and the span to End.
func (t *Telemetry) Batch(ctx context.Context, links []trace.Link, attrs ...attribute.KeyValue) (context.Context, trace.Span) {
	if !t.tracing {
		return ctx, trace.SpanFromContext(ctx)
	}
	return t.Tracer.Start(ctx, "batch", trace.WithNewRoot(), trace.WithLinks(links...),
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attrs...))
}

// Stage starts the span of one stage of the context's batch.
func (t *Telemetry) Stage(ctx context.Context, stage string) (context.Context, trace.Span) {
	if !t.tracing {
		return ctx, trace.SpanFromContext(ctx)
	}
	return t.Tracer.Start(ctx, stage)
}

// End ends a span of Batch or Stage with the error of what it did, if any.
func (t *Telemetry) End(span trace.Span, err error) {
	if !t.tracing {
		return
	}
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

// Link adds to links the span that produced a record, as its headers name it:
// W3C's traceparent, or the same as CloudEvents' extension (ce_traceparent). A
// batch has 16 links at most; while traces are off, it has none.
func (t *Telemetry) Link(links []trace.Link, headers []kgo.RecordHeader) []trace.Link {
	if !t.tracing || len(links) >= maxLinks {
		return links
	}
	carrier := propagation.MapCarrier{}
	for _, h := range headers {
		switch h.Key {
		case "traceparent", "ce_traceparent":
			carrier["traceparent"] = string(h.Value)
		case "tracestate", "ce_tracestate":
			carrier["tracestate"] = string(h.Value)
		}
	}
	if len(carrier) == 0 {
		return links
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), carrier)
	producer := trace.SpanContextFromContext(ctx)
	if !producer.IsValid() {
		return links
	}
	return append(links, trace.Link{SpanContext: producer})
}
