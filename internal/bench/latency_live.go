package bench

import (
	"context"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

// live is a group with a topic of its own, to which a measure appends while
// the engine runs.
type live struct {
	*bench
	group, topic string
	kafka        *kgo.Client
	redis        *redis.Client

	mu     sync.Mutex
	failed error // the first record that could not be written
}

// goLive makes the group, its topics and its tables. Options are for the
// client that writes to the topic.
func (b *bench) goLive(ctx context.Context, name string, round int, opts ...kgo.Opt) (_ *live, err error) {
	l := &live{bench: b, group: b.group(name, round)}
	l.topic = l.group + ".activity"
	defer func() {
		if err != nil {
			err = errors.CombineErrors(err, l.close(ctx))
		}
	}()
	if _, err = b.execute(ctx, append([]string{"init"}, l.settings()...)); err != nil {
		return nil, err
	}
	options, err := redis.ParseURL(b.Servers.Redis)
	if err != nil {
		return nil, errors.Wrap(err, "read the Redis URL")
	}
	l.redis = redis.NewClient(options)
	l.kafka, err = kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.Servers.Brokers...),
		kgo.DefaultProduceTopic(l.topic),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // murmur2, as Kafka's own
		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()),
		// A service that sends each event as it happens waits no longer than this
		// for others to go with it.
		kgo.ProducerLinger(time.Millisecond),
	}, opts...)...)
	return l, errors.Wrap(err, "make a Kafka client")
}

// close removes all that the group left behind.
func (l *live) close(ctx context.Context) error {
	if l.kafka != nil {
		l.kafka.Close()
	}
	if l.redis != nil {
		l.redis.Close()
	}
	return l.Servers.sweep(ctx, l.group)
}

func (l *live) settings() []string { return l.bench.settings(l.group, l.topic) }

// run starts the engine.
func (l *live) run(ctx context.Context) (*process, context.Context, error) {
	return l.start(ctx, append([]string{"run"}, l.settings()...))
}

// drain folds what the topic holds.
func (l *live) drain(ctx context.Context) error {
	if err := l.written(ctx); err != nil {
		return err
	}
	_, err := l.execute(ctx, append([]string{"run", "--drain"}, l.settings()...))
	if err == nil && l.Servers.Own { // somebody else's server has other work to do
		err = l.Servers.checkpoint(ctx)
	}
	return err
}

// write appends a record, and does not wait until it is there. The error may
// be that of a record before it.
func (l *live) write(ctx context.Context, r *kgo.Record) error {
	l.kafka.Produce(ctx, r, func(_ *kgo.Record, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil && l.failed == nil {
			l.failed = errors.Wrapf(err, "write to topic %s", l.topic)
		}
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// written waits until all records are there.
func (l *live) written(ctx context.Context) error {
	err := errors.Wrapf(l.kafka.Flush(ctx), "write to topic %s", l.topic)
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.CombineErrors(l.failed, err)
}

// effectPatience is how long an event may take to show: the first one waits
// until the engine has started.
const effectPatience = 60 * time.Second

// effect appends an event that has an effect on a user, and gives the time
// until that shows in the user's snapshot.
func (l *live) effect(ctx context.Context, r *kgo.Record, user string) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, effectPatience, errors.Newf("no event of user %s had an effect within %s", user, effectPatience))
	defer cancel()
	before, err := l.order(ctx, user)
	if err != nil {
		return 0, err
	}
	look := time.NewTicker(500 * time.Microsecond)
	defer look.Stop()
	began := time.Now()
	if err := l.write(ctx, r); err != nil {
		return 0, err
	}
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
		now, err := l.order(ctx, user)
		if err != nil {
			return 0, err
		}
		if now > before {
			return time.Since(began), nil
		}
	}
}

// order says which state of a user stands in Redis: a greater text is a later
// one.
func (l *live) order(ctx context.Context, user string) (string, error) {
	key := snapshots.Key(l.group, user)
	text, err := l.redis.GetRange(ctx, key, int64(schemas.OrderOffset), int64(schemas.OrderOffset+schemas.OrderLength-1)).Result()
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return text, errors.Wrapf(err, "read %s in Redis", key)
}
