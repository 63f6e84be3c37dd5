package bench

import (
	"context"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// sweepLimit bounds a sweep. A group is empty a session's time after its last
// member was killed.
const sweepLimit = 40 * time.Second

// sweep removes from all servers what bears a prefix: topics, consumer groups,
// schemas and keys. What is not there needs no removing. It goes on after an
// error, and also when the benchmark was interrupted.
func (s *Servers) sweep(ctx context.Context, prefix string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepLimit)
	defer cancel()
	err := errors.Wrapf(s.sweepPostgres(ctx, prefix), "drop the schemas of %s in Postgres", prefix)
	err = errors.CombineErrors(err, errors.Wrapf(s.sweepRedis(ctx, prefix), "delete the keys of %s in Redis", prefix))
	return errors.CombineErrors(err, errors.Wrapf(s.sweepKafka(ctx, prefix), "delete the topics and groups of %s in Kafka", prefix))
}

func (s *Servers) sweepPostgres(ctx context.Context, prefix string) error {
	conn, err := pgx.Connect(ctx, s.Postgres)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT nspname FROM pg_namespace WHERE starts_with(nspname, $1)`, prefix)
	if err != nil {
		return err
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, name := range schemas {
		_, failed := conn.Exec(ctx, "DROP SCHEMA "+pgx.Identifier{name}.Sanitize()+" CASCADE")
		err = errors.CombineErrors(err, failed)
	}
	return err
}

func (s *Servers) sweepRedis(ctx context.Context, prefix string) error {
	options, err := redis.ParseURL(s.Redis)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer client.Close()
	for cursor := uint64(0); ; {
		var keys []string
		if keys, cursor, err = client.Scan(ctx, cursor, prefix+"*", 1000).Result(); err != nil {
			return err
		}
		if len(keys) > 0 {
			if err := client.Unlink(ctx, keys...).Err(); err != nil {
				return err
			}
		}
		if cursor == 0 {
			return nil
		}
	}
}

func (s *Servers) sweepKafka(ctx context.Context, prefix string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	adm := kadm.NewClient(client)
	groups, err := adm.ListGroups(ctx)
	for _, name := range groups.Groups() {
		if strings.HasPrefix(name, prefix) {
			err = errors.CombineErrors(err, deleteGroup(ctx, adm, name))
		}
	}
	topics, failed := adm.ListTopics(ctx)
	err = errors.CombineErrors(err, failed)
	for _, name := range topics.Names() {
		if strings.HasPrefix(name, prefix) {
			// A broker lists a topic for a moment after it was deleted.
			if _, failed := adm.DeleteTopic(ctx, name); !errors.Is(failed, kerr.UnknownTopicOrPartition) {
				err = errors.CombineErrors(err, failed)
			}
		}
	}
	return err
}

// deleteGroup waits until the group is empty: the members that were killed
// leave it when their sessions end.
func deleteGroup(ctx context.Context, adm *kadm.Client, name string) error {
	again := time.NewTicker(250 * time.Millisecond)
	defer again.Stop()
	for {
		deleted, err := adm.DeleteGroup(ctx, name)
		if err == nil {
			err = deleted.Err
		}
		switch {
		case errors.Is(err, kerr.GroupIDNotFound):
			return nil
		case !errors.Is(err, kerr.NonEmptyGroup):
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.Wrapf(err, "wait for the members of group %s to leave", name)
		}
	}
}

// checkpoint has Postgres write now what it would write at its next
// checkpoint, so that no contender pays for another's pages.
func (s *Servers) checkpoint(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.Postgres)
	if err != nil {
		return errors.Wrap(err, "connect to Postgres")
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CHECKPOINT")
	return errors.Wrap(err, "have Postgres make a checkpoint")
}
