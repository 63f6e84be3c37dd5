package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/bench"
	"github.com/badgestream/badgestream/internal/settings"
)

// measure runs the benchmark. What is wrong with the flags is found out before
// anything is started.
func measure(cmd *cobra.Command, s *settings.Settings, f benchFlags) (err error) {
	cfg, err := benchConfig(cmd, s, f)
	if err != nil {
		return usage(err)
	}
	var earlier *bench.Result
	if f.compare != "" {
		if earlier, err = bench.ReadResult(f.compare); err != nil {
			return errors.Wrap(err, "--compare")
		}
	}
	if cfg.Program, err = os.Executable(); err != nil {
		return errors.Wrap(err, "finding this program, to start the engine")
	}
	if err := makeOutputs(f); err != nil {
		return err
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
	if result == nil || len(result.Measures) == 0 {
		return err
	}
	// What was measured before something failed is worth reading.
	return errors.CombineErrors(err, show(cmd, f, result, earlier))
}

// makeOutputs makes the directories that are written to, so that nothing is
// measured for nothing.
func makeOutputs(f benchFlags) error {
	dirs := map[string]string{"profile": f.profiles, "svg": f.svg}
	if f.jsonFile != "" {
		dirs["json"] = filepath.Dir(f.jsonFile)
	}
	for flag, dir := range dirs {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return errors.Wrapf(err, "making the directory of --%s", flag)
		}
	}
	return nil
}

// show writes the result to wherever the flags say.
func show(cmd *cobra.Command, f benchFlags, result, earlier *bench.Result) error {
	if err := writeResult(f.jsonFile, result); err != nil {
		return err
	}
	if f.svg != "" {
		if err := result.WriteCurves(f.svg); err != nil {
			return err
		}
	}
	return result.WriteTable(cmd.OutOrStdout(), earlier)
}

// benchConfig is what the flags ask for, but for the servers.
func benchConfig(cmd *cobra.Command, s *settings.Settings, f benchFlags) (bench.Config, error) {
	cfg := bench.Config{
		Workload: f.workload, Workers: s.Workers, Batch: s.Batch, Members: f.members, Badges: f.badges,
		Version: version(), ProfileDir: f.profiles, Log: cmd.ErrOrStderr(),
	}
	if f.servers != ownServers && f.servers != givenServers {
		return cfg, errors.Newf("--servers: %q is not known: %s", f.servers, settings.DidYouMean(f.servers, []string{ownServers, givenServers}))
	}
	cfg.Workload.Partitions, cfg.Workload.Catalog = s.Partitions, s.Catalog
	if !cmd.Flags().Changed("plain-events") {
		cfg.Workload.PlainEvents = min(cfg.Workload.PlainEvents, cfg.Workload.Events)
	}
	var err error
	if cfg.Measures, err = bench.ParseMeasures(f.measures); err != nil {
		return cfg, errors.Wrap(err, "--measure")
	}
	if f.svg != "" && !bench.Draws(cfg.Measures) {
		return cfg, errors.Newf("--svg: %s draws no curve: --measure curves does", f.measures)
	}
	return cfg, cfg.Check()
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
