// Package settings holds what every command is told: servers, topics, group,
// catalogue. Each setting is a flag, an environment variable and a key of the
// config file; the first of them that is given wins, and then the default.
package settings

import (
	"log/slog"
	"time"

	"github.com/spf13/pflag"
)

// Settings are the resolved settings. Bind gives them their defaults.
type Settings struct {
	Brokers         []string // HOST:PORT
	Postgres        string   // URL
	Redis           string   // URL
	Catalog         string   // the name of a shipped one, or a file
	ActivityTopic   string
	AwardTopic      string
	DeadLetterTopic string
	// Group is the consumer group. It also names the topics of its own and the
	// schema in Postgres.
	Group      string
	Partitions int           // of topics that are made
	Workers    int           // 0: the smaller of cores and partitions
	Batch      int           // the most events of one transaction; 0: adaptive
	Tick       time.Duration // 0: none
	HTTP       string        // address of metrics and health; empty: none
	Config     string        // file; empty: none
	LogLevel   slog.Level
	LogFormat  string // text or json
}

// The values of LogFormat.
const (
	TextLog = "text"
	JSONLog = "json"
)

// configFlag names the one setting that a config file cannot hold.
const configFlag = "config"

// Bind registers the settings as flags and gives them their defaults.
func (s *Settings) Bind(flags *pflag.FlagSet) {
	*s = Settings{
		Brokers:         []string{"127.0.0.1:19192"},
		Postgres:        "postgres://badgestream@127.0.0.1:15532/badgestream?sslmode=disable",
		Redis:           "redis://127.0.0.1:16479/0",
		Catalog:         "starview",
		ActivityTopic:   "activity",
		AwardTopic:      "badges",
		DeadLetterTopic: "activity.dead-letter",
		Group:           "badgestream",
		Partitions:      4,
		LogLevel:        slog.LevelInfo,
		LogFormat:       TextLog,
	}
	flags.Var(brokers(&s.Brokers), "brokers", "Kafka `servers`, separated by commas")
	flags.Var(serverURL(&s.Postgres, "postgres", "postgresql"), "postgres", "Postgres `URL`")
	flags.Var(serverURL(&s.Redis, "redis", "rediss", "unix"), "redis", "Redis `URL`")
	flags.Var(text(&s.Catalog), "catalog", "catalogue: the `name` of a shipped one, or the path of a YAML file")
	flags.Var(topic(&s.ActivityTopic), "activity-topic", "`topic` of the activity events")
	flags.Var(topic(&s.AwardTopic), "award-topic", "`topic` of the badge events")
	flags.Var(topic(&s.DeadLetterTopic), "dead-letter-topic", "`topic` of the rejected records")
	flags.Var(text(&s.Group), "group", "consumer group; topics of its own and the schema in Postgres are `name`d after it")
	flags.Var(atLeast(&s.Partitions, 1), "partitions", "partitions of topics that are made")
	flags.Var(atLeast(&s.Workers, 0), "workers", "workers of this process; 0 is the smaller of cores and partitions")
	flags.Var(atLeast(&s.Batch, 0), "batch", "the most events of one worker's transaction; 0 adapts to the backlog")
	flags.Var(interval(&s.Tick), "tick", "how often time itself is looked at, for badges that need it; 0 is never")
	flags.Var(address(&s.HTTP), "http", "`address` of metrics and health, such as :8080; empty is none")
	flags.Var(text(&s.Config), configFlag, "YAML `file` with these settings, by the same names")
	flags.Var(level(&s.LogLevel), "log-level", "the least to log: debug, info, warn or error")
	flags.Var(oneOf(&s.LogFormat, TextLog, JSONLog), "log-format", "`format` of the log: text or json")
}
