package main

import (
	"encoding/json"
	"os"

	"github.com/cockroachdb/errors"
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
	workload bench.Workload
	jsonFile string
	profiles string
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

The servers are a real Kafka (by Maven, the first time), Postgres and Redis
that bench starts itself and removes afterwards. With --servers given they are
those of --brokers, --postgres and --redis: there, all that bench makes has a
name beginning with bench- and is removed. Figures count on real servers only,
and the first line of the table says which they were.

Let nothing else run meanwhile.`,
		Example: `  badgestream bench
  badgestream bench --events 2000000 --users 200000 --skew 1.1 --json result.json
  badgestream bench --servers given --brokers kafka:9092 --postgres postgres://… --redis redis://…
  badgestream bench --rounds 1 --profile profiles && go tool pprof profiles/engine-1.pprof`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return measure(cmd, s, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.servers, "servers", ownServers, "own starts servers for the benchmark, given takes those of the flags")
	flags.Int64Var(&f.workload.Events, "events", 200_000, "how many events")
	flags.IntVar(&f.workload.Users, "users", 20_000, "how many users there are")
	flags.Float64Var(&f.workload.Skew, "skew", 0, "how uneven their activity is: 0 is even, above 1 is the exponent of Zipf's law")
	flags.Uint64Var(&f.workload.Seed, "seed", 1, "which history to play")
	flags.Int64Var(&f.workload.PlainEvents, "plain-events", 20_000, "how many of the events the plain consumer gets, spread evenly")
	flags.IntVar(&f.workload.Rounds, "rounds", 3, "how often each takes its turn")
	flags.StringVar(&f.jsonFile, "json", "", "`file` to write everything to, as JSON")
	flags.StringVar(&f.profiles, "profile", "", "`directory` to write CPU profiles of the engine to, one per round; round 0 is the warm-up")
	cmd.AddCommand(newBenchPlain(s))
	return cmd
}

func measure(cmd *cobra.Command, s *settings.Settings, f benchFlags) (err error) {
	if f.servers != ownServers && f.servers != givenServers {
		return usage(errors.Newf("--servers: %q is not known: %s", f.servers, settings.DidYouMean(f.servers, []string{ownServers, givenServers})))
	}
	f.workload.Partitions, f.workload.Catalog = s.Partitions, s.Catalog
	if !cmd.Flags().Changed("plain-events") {
		f.workload.PlainEvents = min(f.workload.PlainEvents, f.workload.Events)
	}
	if err := f.workload.Check(); err != nil {
		return usage(err)
	}
	program, err := os.Executable()
	if err != nil {
		return errors.Wrap(err, "finding this program, to start the engine")
	}
	if f.profiles != "" {
		if err := os.MkdirAll(f.profiles, 0o755); err != nil {
			return errors.Wrap(err, "making the directory of --profile")
		}
	}
	cfg := bench.Config{
		Workload: f.workload, Workers: s.Workers, Batch: s.Batch,
		Program: program, Version: version(), ProfileDir: f.profiles, Log: cmd.ErrOrStderr(),
	}
	if f.servers == givenServers {
		cfg.Servers = bench.Servers{Brokers: s.Brokers, Postgres: s.Postgres, Redis: s.Redis, Origins: [3]string{"given", "given", "given"}}
	} else {
		tell(cmd.ErrOrStderr(), "starting a real Kafka, Postgres and Redis (the first time this fetches Kafka)\n")
		var stop func(*error)
		if cfg.Servers, stop, err = startBenchServers(cmd.Context()); err != nil {
			return err
		}
		defer stop(&err)
	}
	result, err := bench.Run(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	if err := writeResult(f.jsonFile, result); err != nil {
		return err
	}
	return result.WriteTable(cmd.OutOrStdout())
}

func writeResult(path string, r *bench.Result) (err error) {
	if path == "" {
		return nil
	}
	out, closeOut, err := createOutput(path)
	if err != nil {
		return err
	}
	defer closeOut(&err)
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return errors.Wrapf(encoder.Encode(r), "writing %s", path)
}
