package main

import (
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/bench"
	"github.com/badgestream/badgestream/internal/settings"
)

// The values of --servers.
const (
	ownServers   = "own"
	givenServers = "given"
)

// benchFlags are those of bench alone.
type benchFlags struct {
	servers  string
	measures string
	workload bench.Workload
	members  int64
	badges   int
	jsonFile string
	compare  string
	profiles string
	svg      string
}

func newBench(s *settings.Settings) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the engine beside a plain consumer",
		Long: `bench fills a topic with synthetic Starview traffic, has ` + "`badgestream run --drain`" + `
fold it, and prints events per second, CPU time by process, batch times and
memory. Beside it stands a plain consumer, as a team writes it by hand: one
Postgres transaction per event. They take turns, for several rounds, on the same
servers and events; the table shows medians.

That is the measure drain. --measure takes these, separated by commas, or all:

` + bench.DescribeMeasures() + `
The servers are a real Kafka (by Maven, the first time), Postgres and Redis
that bench starts itself and removes afterwards. With --servers given they are
those of --brokers, --postgres and --redis: there, all that bench makes has a
name beginning with bench- and is removed. Figures count on real servers only,
and the first line of the table says which they were.

Let nothing else run meanwhile.`,
		Example: `  badgestream bench
  badgestream bench --events 2000000 --users 200000 --skew 1.1 --json result.json
  badgestream bench --servers given --brokers kafka:9092 --postgres postgres://… --redis redis://…
  badgestream bench --json before.json     and after a change: badgestream bench --compare before.json
  badgestream bench --measure members --members 30000000
  badgestream bench --measure curves --svg curves
  badgestream bench --rounds 1 --profile profiles && go tool pprof profiles/engine-1.pprof`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return measure(cmd, s, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.measures, "measure", "drain", "what to measure: `names` from the list above, separated by commas, or all")
	flags.StringVar(&f.servers, "servers", ownServers, "own starts servers for the benchmark, given takes those of the flags")
	flags.Int64Var(&f.workload.Events, "events", 200_000, "how many events")
	flags.IntVar(&f.workload.Users, "users", 20_000, "how many users there are")
	flags.Float64Var(&f.workload.Skew, "skew", 0, "how uneven their activity is: 0 is even, above 1 is the exponent of Zipf's law")
	flags.Uint64Var(&f.workload.Seed, "seed", 1, "which history to play")
	flags.Int64Var(&f.workload.PlainEvents, "plain-events", 20_000, "how many of the events the plain consumer gets, spread evenly")
	flags.IntVar(&f.workload.Rounds, "rounds", 3, "how often each takes its turn")
	flags.Int64Var(&f.members, "members", 1_000_000, "how many rows the member table holds beforehand, for the measures that ask that")
	flags.IntVar(&f.badges, "badges", 10_000, "how many badges a large catalogue has, for the measures that ask that")
	flags.StringVar(&f.jsonFile, "json", "", "`file` to write everything to, as JSON")
	flags.StringVar(&f.compare, "compare", "", "`file` that an earlier run wrote with --json, to compare this one with")
	flags.StringVar(&f.profiles, "profile", "", "`directory` to write CPU profiles of the engine to, one per drain; round 0 is the warm-up")
	flags.StringVar(&f.svg, "svg", "", "`directory` to draw the curves of the measures to, as SVG")
	cmd.AddCommand(newBenchPlain(s), newBenchRebuild(s))
	return cmd
}
