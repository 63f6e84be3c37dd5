package bench

import (
	"context"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/bench/procfs"
)

// The roles of servers.
const (
	roleKafka    = "kafka"
	rolePostgres = "postgres"
	roleRedis    = "redis"
)

// Servers are where the benchmark runs.
type Servers struct {
	Brokers         []string // HOST:PORT
	Postgres, Redis string   // URLs
	// Own is set if they were started for the benchmark and vanish after it.
	Own bool
	// KafkaVersion is what a caller who started Kafka knows: Kafka itself tells
	// its features, and its version can only be guessed from them.
	KafkaVersion string
	// Origins say of Kafka, Postgres and Redis how they were found.
	Origins [3]string
}

// patience is how long a server may take to answer the first time.
const patience = 10 * time.Second

// identify asks the servers what they are.
func (s *Servers) identify(ctx context.Context) ([]Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	kafka, err := s.identifyKafka(ctx)
	if err != nil {
		return nil, err
	}
	postgres, err := s.identifyPostgres(ctx)
	if err != nil {
		return nil, err
	}
	redis, err := s.identifyRedis(ctx)
	if err != nil {
		return nil, err
	}
	found := []Server{kafka, postgres, redis}
	for i := range found {
		found[i].Origin = s.Origins[i]
		// What runs in this process cannot be told from it.
		if pid, ok := procfs.Listener(found[i].Address); ok && pid != os.Getpid() {
			found[i].PID = pid
		}
	}
	return found, nil
}

func (s *Servers) identifyKafka(ctx context.Context) (Server, error) {
	at := strings.Join(s.Brokers, ",")
	client, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
	if err != nil {
		return Server{}, errors.Wrap(err, "make a Kafka client")
	}
	defer client.Close()
	adm := kadm.NewClient(client)
	cluster, err := adm.BrokerMetadata(ctx)
	if err != nil {
		return Server{}, errors.Wrapf(err, "Kafka does not answer at %s: start it, or set --brokers", at)
	}
	// No real cluster has a name like this: kfake's is fixed.
	if cluster.Cluster == "kfake" {
		return Server{Role: roleKafka, Name: "kfake", Version: "an imitation of Kafka", Address: at}, nil
	}
	k := Server{Role: roleKafka, Name: "Kafka", Version: s.KafkaVersion, Address: at, Real: true}
	if k.Version == "" {
		if k.Version, err = guessKafka(ctx, adm); err != nil {
			return Server{}, err
		}
	}
	if n := len(cluster.Brokers); n > 1 {
		k.Version += ", " + strconv.Itoa(n) + " brokers"
	}
	return k, nil
}

// guessKafka tells the version from the requests that the brokers know.
func guessKafka(ctx context.Context, adm *kadm.Client) (string, error) {
	brokers, err := adm.ApiVersions(ctx)
	if err != nil {
		return "", errors.Wrap(err, "ask Kafka which requests it knows")
	}
	all := brokers.Sorted()
	if len(all) == 0 {
		return "", errors.New("Kafka names no brokers")
	}
	if err := all[0].Err; err != nil {
		return "", errors.Wrapf(err, "ask Kafka's broker %d which requests it knows", all[0].NodeID)
	}
	return strings.TrimPrefix(all[0].VersionGuess(), "v"), nil
}

func (s *Servers) identifyPostgres(ctx context.Context) (Server, error) {
	conn, err := pgx.Connect(ctx, s.Postgres)
	if err != nil {
		return Server{}, errors.Wrap(err, "Postgres does not answer: start it, or set --postgres")
	}
	defer conn.Close(ctx)
	cfg := conn.Config()
	p := Server{Role: rolePostgres, Name: "Postgres", Address: net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))), Real: true}
	if err := conn.QueryRow(ctx, "SHOW server_version").Scan(&p.Version); err != nil {
		return Server{}, errors.Wrap(err, "ask Postgres for its version")
	}
	// Packagers add their own version in parentheses.
	p.Version, _, _ = strings.Cut(p.Version, " (")
	var unsafe string
	err = conn.QueryRow(ctx, `SELECT coalesce(string_agg(name || ' ' || setting, ', ' ORDER BY name), '') FROM pg_settings
WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting <> 'on'`).Scan(&unsafe)
	if err != nil {
		return Server{}, errors.Wrap(err, "ask Postgres how safely it writes")
	}
	if unsafe != "" {
		p.Version += " with " + unsafe
	}
	return p, nil
}

func (s *Servers) identifyRedis(ctx context.Context) (Server, error) {
	options, err := redis.ParseURL(s.Redis)
	if err != nil {
		return Server{}, errors.Wrap(err, "read the Redis URL")
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.Ping(ctx).Err(); err != nil {
		return Server{}, errors.Wrapf(err, "Redis does not answer at %s: start it, or set --redis", options.Addr)
	}
	r := Server{Role: roleRedis, Name: "Redis", Address: options.Addr, Real: true}
	info, err := client.Info(ctx, "server").Result()
	version := regexp.MustCompile(`redis_version:(\S+)`).FindStringSubmatch(info)
	switch {
	case err == nil && version != nil:
		r.Version = version[1]
	case ctx.Err() != nil:
		return Server{}, errors.Wrap(ctx.Err(), "ask Redis for its version")
	default:
		// Every Redis tells its version; miniredis refuses the question.
		r.Name, r.Version, r.Real = "miniredis", "an imitation of Redis", false
	}
	return r, nil
}
