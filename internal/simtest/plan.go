package simtest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Plan is all that a seed decides beforehand: the community, the processes,
// and what goes wrong when. What goes wrong with single requests is drawn by
// each process on the way, from a source of its own that the seed decides too.
type Plan struct {
	Seed       uint64
	Partitions int
	Users      int
	Events     int
	Processes  int
	Workers    int
	Batch      int
	Tick       time.Duration
	// Decisions is how many in a hundred records are people's decisions about
	// badges.
	Decisions int
	// Horizon is when the last fault happens; from then on all works.
	Horizon time.Duration

	// Of a million packets or requests, how many break a connection.
	KafkaLoss, PostgresLoss, RedisLoss int
	// Hang is how many in a million requests to Postgres or Redis hang for
	// seconds.
	Hang int
	// Deadly is how likely in percent a process dies at one of its next
	// requests or packets, again and again.
	Deadly  int
	Latency time.Duration // the longest of a packet or a request
	Acts    []Act
}

// Act is one thing that happens at a time.
type Act struct {
	At      time.Duration
	Kind    Kind
	Process int           // whose
	For     time.Duration // how long it lasts, if it does
}

func (a Act) String() string {
	return fmt.Sprintf("%8.3fs %s, process %d, for %v", a.At.Seconds(), a.Kind, a.Process, a.For)
}

// Kind is what happens.
type Kind string

// What can happen.
const (
	Kill            Kind = "a process is killed and stays away"
	Leave           Kind = "a process is stopped and stays away"
	Cut             Kind = "a process loses its connections to Kafka"
	Stall           Kind = "a process hears and says nothing"
	KafkaAway       Kind = "Kafka is away"
	PostgresAway    Kind = "Postgres dies and comes back"
	PostgresRestore Kind = "Postgres goes back to an older backup"
	Backup          Kind = "Postgres is backed up"
	RedisAway       Kind = "Redis is away"
	RedisFlush      Kind = "Redis loses everything"
	RedisFailOver   Kind = "Redis goes back to an older replica"
	Replicate       Kind = "Redis is replicated"
)

// Kinds are all that can happen.
func Kinds() []Kind {
	return []Kind{Kill, Leave, Cut, Stall, KafkaAway, PostgresAway, PostgresRestore, Backup, RedisAway, RedisFlush, RedisFailOver, Replicate}
}

// NewPlan draws a plan. Each leaves some kinds of faults out, so that others
// come alone.
func NewPlan(seed uint64) *Plan {
	rng := rand.New(rand.NewPCG(seed, 0))
	among := func(values ...int) int { return values[rng.IntN(len(values))] }
	between := func(low, high int) int { return low + rng.IntN(high-low+1) }
	p := &Plan{Seed: seed,
		Partitions: between(1, 4), Users: between(2, 10), Events: between(50, 300),
		Processes: between(1, 3), Workers: between(1, 2), Batch: among(0, 1, 3, 7, 20),
		Tick:      time.Duration(among(0, 0, 3, 10)) * time.Second,
		Horizon:   time.Duration(between(15, 40)) * time.Second,
		KafkaLoss: among(0, 0, 500, 2_000, 10_000), PostgresLoss: among(0, 0, 5_000, 30_000), RedisLoss: among(0, 0, 5_000, 30_000),
		Hang: among(0, 0, 1_000, 5_000), Deadly: among(0, 0, 30, 70), Latency: time.Duration(among(1, 5, 20, 100)) * time.Millisecond,
	}
	p.Decisions = among(0, 2, 10, 30)
	var kinds []Kind
	for _, k := range Kinds() {
		if rng.IntN(2) == 0 {
			kinds = append(kinds, k)
		}
	}
	for range between(0, 12) {
		if len(kinds) == 0 {
			break
		}
		p.Acts = append(p.Acts, Act{
			At:   time.Duration(rng.Int64N(int64(p.Horizon))),
			Kind: kinds[rng.IntN(len(kinds))], Process: rng.IntN(p.Processes),
			For: time.Duration(between(50, among(1_000, 5_000, 20_000))) * time.Millisecond,
		})
	}
	slices.SortStableFunc(p.Acts, func(a, b Act) int { return cmp.Compare(a.At, b.At) })
	return p
}

func (p *Plan) String() string {
	type plain Plan
	short := plain(*p)
	short.Acts = nil
	text := fmt.Sprintf("%+v", short)
	for _, a := range p.Acts {
		text += "\n  " + a.String()
	}
	return text
}
