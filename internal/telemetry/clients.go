package telemetry

import (
	"context"
	"log/slog"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kslog"
)

// KafkaOptions let a Kafka client log through us: its warnings and errors,
// and what it is about when we log at debug. There are no spans per record:
// a batch holds tens of thousands.
func (t *Telemetry) KafkaOptions() []kgo.Opt {
	level := slog.LevelWarn
	if t.Log.Enabled(context.Background(), slog.LevelDebug) {
		level = slog.LevelInfo
	}
	log := slog.New(atLeast{t.Log.Handler(), level}).With("client", "kafka")
	return []kgo.Opt{kgo.WithLogger(kslog.New(log))}
}

// RedisHooks makes a client trace its pipelines. While traces are off it
// leaves the client as it is.
func (t *Telemetry) RedisHooks(client redis.UniversalClient) error {
	if !t.tracing {
		return nil
	}
	// A statement would hold whole snapshots.
	err := redisotel.InstrumentTracing(client,
		redisotel.WithTracerProvider(t.traces), redisotel.WithDBStatement(false))
	return errors.Wrap(err, "tracing the Redis client")
}
