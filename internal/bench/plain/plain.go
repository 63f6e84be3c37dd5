// Package plain is a badge consumer as a good team writes it in a week: one
// Postgres transaction per event, with a table of seen events, sets, counters
// and awards. `badgestream bench` runs it beside the engine, on the same
// servers and events, so that people see what the engine is worth to them.
//
// It is meant to be strong at what it is: prepared statements, a pool, lanes
// by key, polls of many records, and nothing that the job could do without.
// It is not meant to be right: see credits.
package plain

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// Config says what to consume, and where to.
type Config struct {
	Brokers         []string
	Postgres, Redis string // URLs
	// Group is the consumer group, the schema of the tables, which must not
	// exist, and the prefix of keys in Redis.
	Group      string
	Topic      string // of the activity
	AwardTopic string // is made with Partitions if it is missing
	Partitions int
	// Events is how many events to consume, from the topic's beginning; the
	// last poll may take some more.
	Events int64
	// Lanes is how many events are applied at the same time; those of one key
	// are in order.
	Lanes int
	// Poll is the most records of one poll.
	Poll int
}

// Summary is what was done.
type Summary struct {
	Events  int64
	Users   int64 // progress values set
	Awarded int64
	// Seconds is the time from the first poll to the last commit.
	Seconds float64
	// Polls are the seconds that each poll's records took.
	Polls []float64
}

// consumer holds the connections.
type consumer struct {
	Config
	kafka  *kgo.Client
	tables *pgxpool.Pool
	redis  redis.UniversalClient
	seed   maphash.Seed
	sum    Summary
}

// Run consumes until Events are done.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	c := &consumer{Config: cfg, seed: maphash.MakeSeed()}
	options, err := redis.ParseURL(cfg.Redis)
	if err != nil {
		return c.sum, errors.Wrap(err, "read the Redis URL")
	}
	c.redis = redis.NewClient(options)
	defer c.redis.Close() //nolint:errcheck // all was acknowledged
	if c.tables, err = openTables(ctx, cfg.Postgres, cfg.Group, cfg.Lanes); err != nil {
		return c.sum, err
	}
	defer c.tables.Close()
	c.kafka, err = kgo.NewClient(
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.ConsumerGroup(cfg.Group), kgo.ConsumeTopics(cfg.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(),
		kgo.DefaultProduceTopic(cfg.AwardTopic),
	)
	if err != nil {
		return c.sum, errors.Wrap(err, "make a Kafka client")
	}
	defer c.kafka.Close()
	if err := c.createAwardTopic(ctx); err != nil {
		return c.sum, err
	}
	return c.sum, c.loop(ctx)
}

func (c *consumer) createAwardTopic(ctx context.Context) error {
	made, err := kadm.NewClient(c.kafka).CreateTopic(ctx, int32(c.Partitions), -1, nil, c.AwardTopic)
	if err == nil {
		err = made.Err
	}
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return errors.Wrapf(err, "create topic %s with %d partitions", c.AwardTopic, c.Partitions)
}

func (c *consumer) loop(ctx context.Context) error {
	began := time.Now()
	for c.sum.Events < c.Events {
		fetches := c.kafka.PollRecords(ctx, c.Poll)
		if err := fetches.Err(); err != nil {
			return errors.Wrapf(err, "read topic %s", c.Topic)
		}
		polled := time.Now()
		if err := c.handle(ctx, fetches.Records()); err != nil {
			return err
		}
		c.sum.Polls = append(c.sum.Polls, time.Since(polled).Seconds())
		c.sum.Seconds = time.Since(began).Seconds()
	}
	return nil
}

// handle applies a poll's records, lane by lane, and then shows what came of
// them: progress, awards, offsets.
func (c *consumer) handle(ctx context.Context, records []*kgo.Record) error {
	lanes := make([]lane, c.Lanes)
	for _, r := range records {
		l := &lanes[maphash.Bytes(c.seed, r.Key)%uint64(c.Lanes)]
		l.records = append(l.records, r)
	}
	group, working := errgroup.WithContext(ctx)
	for i := range lanes {
		group.Go(func() error { return c.run(working, &lanes[i]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var awards []*kgo.Record
	for i := range lanes {
		c.sum.Users += int64(len(lanes[i].touched))
		for _, a := range lanes[i].given {
			value, err := json.Marshal(a)
			if err != nil {
				return errors.Wrapf(err, "write the award of %s to %s as JSON", a.Badge, a.User)
			}
			awards = append(awards, &kgo.Record{Key: []byte(a.User), Value: value})
		}
	}
	if err := c.kafka.ProduceSync(ctx, awards...).FirstErr(); err != nil {
		return errors.Wrapf(err, "write %d awards to topic %s", len(awards), c.AwardTopic)
	}
	if err := c.kafka.CommitRecords(ctx, records...); err != nil {
		return errors.Wrapf(err, "commit the offsets of group %s", c.Group)
	}
	c.sum.Events += int64(len(records))
	c.sum.Awarded += int64(len(awards))
	return nil
}

// lane is the part of a poll that is applied in order.
type lane struct {
	records []*kgo.Record
	given   []award
	touched map[string]struct{}
}

func (c *consumer) run(ctx context.Context, l *lane) error {
	l.touched = make(map[string]struct{}, len(l.records))
	for _, r := range l.records {
		a, err := read(r)
		if err != nil {
			return err
		}
		changes := credits(&a)
		given, err := apply(ctx, c.tables, &a, changes)
		if err != nil {
			return err
		}
		l.given = append(l.given, given...)
		for _, change := range changes {
			l.touched[change.user] = struct{}{}
		}
	}
	return writeProgress(ctx, c.tables, c.redis, c.Group, l.touched)
}
