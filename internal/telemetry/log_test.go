package telemetry

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"
)

func TestLogLinesNameTheirSpan(t *testing.T) {
	var out bytes.Buffer
	log := newLogger(Config{Log: &out, JSON: true}).With("worker", 3)
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
	}))
	log.InfoContext(ctx, "folded")
	log.Info("alone")
	log.Debug("too fine")

	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %s", len(lines), out.String())
	}
	var first, second map[string]any
	for line, into := range map[string]*map[string]any{lines[0]: &first, lines[1]: &second} {
		if err := json.Unmarshal([]byte(line), into); err != nil {
			t.Fatal(err)
		}
	}
	if first["trace_id"] != "01000000000000000000000000000000" || first["span_id"] != "0200000000000000" || first["worker"] != 3.0 {
		t.Errorf("within a span: %v", first)
	}
	if _, has := second["trace_id"]; has {
		t.Errorf("outside of a span: %v", second)
	}
}

func TestKafkaClientsAreQuieterThanWe(t *testing.T) {
	for ours, theirs := range map[slog.Level]kgo.LogLevel{
		slog.LevelDebug: kgo.LogLevelInfo,
		slog.LevelInfo:  kgo.LogLevelWarn,
		slog.LevelError: kgo.LogLevelError,
	} {
		var out bytes.Buffer
		tel := start(t, Config{Log: &out, Level: ours})
		client, err := kgo.NewClient(tel.KafkaOptions()...)
		if err != nil {
			t.Fatal(err)
		}
		logger := client.OptValue(kgo.WithLogger).(kgo.Logger)
		client.Close()
		if got := logger.Level(); got != theirs {
			t.Errorf("at %v, the client logs at %v, want %v", ours, got, theirs)
		}
		logger.Log(kgo.LogLevelError, "broken", "broker", 1)
		if !strings.Contains(out.String(), "msg=broken client=kafka broker=1") {
			t.Errorf("the log is %q", out.String())
		}
	}
}

func TestLoggedErrorsAreOneLine(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug} {
		var out bytes.Buffer
		newLogger(Config{Log: &out, Level: level}).Error("it failed", "error", errors.Wrap(errors.New("no room"), "write a page"))
		stack := strings.Contains(out.String(), "stack trace")
		if !strings.Contains(out.String(), "write a page: no room") || stack != (level == slog.LevelDebug) {
			t.Errorf("at level %s: %s", level, out.String())
		}
	}
}
