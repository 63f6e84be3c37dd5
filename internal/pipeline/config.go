// Package pipeline runs the engine: it owns partitions, folds what stands in
// them into Postgres, publishes snapshots and badge events, and keeps the
// order of these effects, so that each event counts once whatever is killed
// when.
//
// # The commit points
//
// A batch passes two. When the Postgres transaction commits, the events count:
// rows, history, rejects, ledger and the fold offset P change together. When
// the Kafka transaction commits, the badge events of that batch are visible:
// they, the ledger's records and the group's committed offset K change
// together. Between the two lies the snapshots' acknowledgement by Redis.
// After a crash K ≤ P holds, and what lies between is published from the
// history; nothing is folded twice, as P is compared and swapped.
package pipeline

import (
	"time"

	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/cockroachdb/errors"
)

// Config is what the engine needs to know.
type Config struct {
	// Brokers are Kafka's addresses, Postgres and Redis the servers' URLs.
	Brokers         []string
	Postgres, Redis string

	// Group is the consumer group. It also names the schema in Postgres, the
	// prefix of keys in Redis, and the topics of its own.
	Group           string
	ActivityTopic   string
	AwardTopic      string
	DeadLetterTopic string
	// Partitions is how many partitions a topic is created with.
	Partitions int

	// Workers is how many partitions this process folds at the same time; 0 is
	// the smaller of cores and partitions.
	Workers int
	// Batch is the most events of one worker's transaction; 0 adapts it to the
	// backlog.
	Batch int
	// Tick is how often the group is told what time it is; 0 is never.
	Tick time.Duration
	// RebuildMemory is about how many bytes of rows a rebuild keeps in memory; 0 is
	// 160 MiB. Below 0 it keeps none, and folds as what is live is folded.
	RebuildMemory int64
	// Drain stops the engine once the group's committed offsets have reached
	// the ends seen at the start.
	Drain bool
}

// ledgerTopic and controlTopic are the topics that the group has for itself.
func (c *Config) ledgerTopic() string  { return c.Group + ".ledger" }
func (c *Config) controlTopic() string { return c.Group + ".control" }

// sources are the topics that are folded.
func (c *Config) sources() []string { return []string{c.ActivityTopic, c.controlTopic()} }

func (c *Config) check() error {
	switch {
	case len(c.Brokers) == 0:
		return errors.New("no Kafka broker is given: set --brokers")
	case c.Partitions < 1:
		return errors.Newf("--partitions is %d: a topic has at least 1", c.Partitions)
	case c.Workers < 0 || c.Batch < 0 || c.Tick < 0:
		return errors.New("--workers, --batch and --tick must not be negative")
	}
	seen := map[string]bool{}
	for _, t := range []string{c.ActivityTopic, c.AwardTopic, c.DeadLetterTopic, c.ledgerTopic(), c.controlTopic()} {
		if t == "" || seen[t] {
			return errors.Newf("topic %q is named twice or not at all: activity, awards, dead letters, %s and %s must be different topics", t, c.ledgerTopic(), c.controlTopic())
		}
		seen[t] = true
	}
	return nil
}

// Summary is what one process did.
type Summary struct {
	Events   int64 `json:"events"`   // records folded, of whatever verdict
	Users    int64 `json:"users"`    // distinct users touched, up to 4,000,000; 0 without Drain
	Awarded  int64 `json:"awarded"`  // badges awarded
	Revoked  int64 `json:"revoked"`  // badges revoked
	Rejected int64 `json:"rejected"` // records that are no valid event
	// Seconds is the time from the first poll to the last publication.
	Seconds float64 `json:"seconds"`
	// Batches is how long batches took, from the end of the poll to the last
	// commit.
	Batches telemetry.Times `json:"batches"`
}

// Limits of one batch, and of what a worker asks of its servers.
const (
	minBatch      = 500
	firstBatch    = 2_000
	maxBatch      = 60_000
	maxBatchBytes = 32 << 20
	// fullWorkers is how many workers may have batches as large as that at the
	// same time. More of them share the memory of so many.
	fullWorkers = 2
	fetchBytes  = 1 << 20
	tickStep    = 2_000 // users of one step of a tick

	// freshFetch is how long a worker with something to do waits for what came
	// meanwhile: a fetch of what is there takes a round trip. A poll that took
	// longer than atOnce had to wait for records, so that there are no others.
	freshFetch = 4 * time.Millisecond
	atOnce     = 500 * time.Microsecond
	// idle is how long a worker with nothing to do waits for records.
	idle = 500 * time.Millisecond
	// redisPatience is how long a worker waits for Redis before it gives up its
	// partitions, and reads everything anew.
	redisPatience = 30 * time.Second
	// redisLook is how often it is looked whether Redis lost something.
	redisLook = 5 * time.Second

	// metadataAge is how old a worker's idea of the topics may become.
	metadataAge = 30 * time.Second

	sessionTimeout     = 10 * time.Second
	rebalanceTimeout   = 60 * time.Second
	transactionTimeout = 8 * time.Second
	// publishTime bounds a publication, with the time to find the broker again.
	publishTime = 2 * transactionTimeout
)
