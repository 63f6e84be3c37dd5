package devstack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cockroachdb/errors"
)

// Options say which servers a stack has. The zero value, with a Dir, is the
// embedded stack on free ports.
type Options struct {
	// Dir holds the data of all servers. It is made if it is missing, and one
	// stack at a time works on it.
	Dir string
	// Ports on 127.0.0.1; 0 is a free one.
	KafkaPort, PostgresPort, RedisPort int
	// Real has real servers throughout: Kafka in place of kfake, and no
	// miniredis. It fails where they cannot be had.
	Real bool
	// KafkaHeap is KafkaConfig.Heap, for a real broker.
	KafkaHeap string
	// PostgresSettings is PostgresConfig.Settings.
	PostgresSettings map[string]string
	// Volatile keeps as little as possible on disk: kfake's topics in memory,
	// Postgres without fsync, Redis without a file. For tests.
	Volatile bool
}

// Stack is a running Kafka, Postgres and Redis.
type Stack struct {
	Brokers     []string
	PostgresURL string
	RedisURL    string

	// The servers, to be stopped and started one by one. One of Kafka and Kfake
	// is set.
	Kafka    *Kafka
	Kfake    *Kfake
	Postgres *Postgres
	Redis    *Redis

	lock *os.File
}

// StartAll starts a stack. If one server fails to start, those that did are
// stopped again. ctx bounds the start alone.
func StartAll(ctx context.Context, o Options) (*Stack, error) {
	dir, err := makeDir(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Stack{}
	if s.lock, err = lockDir(dir, false); err != nil {
		if errors.Is(err, errLocked) {
			err = errors.Newf("another badgestream works on %s: stop it, or choose another data directory", dir)
		}
		return nil, err
	}
	if err := s.start(ctx, o, dir); err != nil {
		return nil, errors.CombineErrors(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context, o Options, dir string) (err error) {
	s.Postgres, err = StartPostgres(ctx, PostgresConfig{
		Dir: filepath.Join(dir, "postgres"), Port: o.PostgresPort, Volatile: o.Volatile, Settings: o.PostgresSettings,
	})
	if err != nil {
		return err
	}
	s.PostgresURL = s.Postgres.URL()

	s.Redis, err = StartRedis(ctx, RedisConfig{
		Dir: filepath.Join(dir, "redis"), Port: o.RedisPort, Durable: !o.Volatile, Real: o.Real,
	})
	if err != nil {
		return err
	}
	s.RedisURL = s.Redis.URL()

	if o.Real {
		s.Kafka, err = StartKafka(ctx, KafkaConfig{Dir: filepath.Join(dir, "kafka"), Port: o.KafkaPort, Heap: o.KafkaHeap})
		if err != nil {
			return err
		}
		s.Brokers = s.Kafka.Brokers()
		return nil
	}
	kept := filepath.Join(dir, "kfake")
	if o.Volatile {
		kept = ""
	}
	s.Kfake, err = StartKfake(ctx, kept, o.KafkaPort)
	if err != nil {
		return err
	}
	s.Brokers = s.Kfake.Brokers()
	return nil
}

// Descriptions say of each server, Kafka first, what it is and where it was
// found.
func (s *Stack) Descriptions() []string {
	var kafka fmt.Stringer = s.Kfake
	if s.Kafka != nil {
		kafka = s.Kafka
	}
	return []string{kafka.String(), s.Postgres.String(), s.Redis.String()}
}

// Stop stops the servers in the reverse order of their start. It goes on
// after an error; servers that are down already are none.
func (s *Stack) Stop(ctx context.Context) error {
	var err error
	if s.Kafka != nil {
		err = errors.CombineErrors(err, s.Kafka.Stop(ctx))
	}
	if s.Kfake != nil {
		err = errors.CombineErrors(err, s.Kfake.Stop(ctx))
	}
	if s.Redis != nil {
		err = errors.CombineErrors(err, s.Redis.Stop(ctx))
	}
	if s.Postgres != nil {
		err = errors.CombineErrors(err, s.Postgres.Stop(ctx))
	}
	if s.lock != nil {
		err = errors.CombineErrors(err, errors.Wrap(s.lock.Close(), "giving the data directory back"))
		s.lock = nil
	}
	return err
}
