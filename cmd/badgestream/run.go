package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/internal/web"
)

// flushTime bounds how long the last spans may take to be sent.
const flushTime = 3 * time.Second

func newRun(s *settings.Settings) *cobra.Command {
	var drain, asJSON bool
	var profile string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the engine",
		Long: `run folds the activity topic into Postgres, keeps the snapshots in Redis and
publishes badge events, exactly once. Several processes of one group share the
partitions. Topics, tables and the stored catalogue are made when missing.

It goes on until SIGTERM or Ctrl-C: then it finishes the batch in flight,
commits, leaves the group and exits with 0. With --drain it ends once the
group's committed offsets have reached the ends that it saw at its start,
whoever folded them.`,
		Example: `  badgestream run --http :8080 --tick 1h
  badgestream run --drain --json
  BADGESTREAM_BROKERS=kafka:9092 badgestream run --config badgestream.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			stopProfile, err := profileCPU(profile)
			if err != nil {
				return err
			}
			defer stopProfile(&err)
			cfg := engineConfig(s)
			cfg.Drain = drain
			summary, err := run(cmd, s, cfg)
			if err != nil {
				return err
			}
			return writeSummary(cmd.OutOrStdout(), summary, asJSON)
		},
	}
	cmd.Flags().BoolVar(&drain, "drain", false, "end when all that is there now is folded and published")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the summary as JSON")
	cmd.Flags().StringVar(&profile, "cpu-profile", "", "`file` to write a CPU profile of the whole run to, for go tool pprof")
	return cmd
}

func engineConfig(s *settings.Settings) pipeline.Config {
	return pipeline.Config{
		Brokers: s.Brokers, Postgres: s.Postgres, Redis: s.Redis,
		Group: s.Group, ActivityTopic: s.ActivityTopic, AwardTopic: s.AwardTopic, DeadLetterTopic: s.DeadLetterTopic,
		Partitions: s.Partitions, Workers: s.Workers, Batch: s.Batch, Tick: s.Tick,
	}
}

// openTelemetry makes the telemetry that the settings ask for. The function
// that it returns ends it.
func openTelemetry(ctx context.Context, s *settings.Settings, log io.Writer) (*telemetry.Telemetry, func(*error), error) {
	tel, err := telemetry.New(ctx, telemetry.Config{Log: log, Level: s.LogLevel, JSON: s.LogFormat == settings.JSONLog, Version: version()})
	if err != nil {
		return nil, nil, err
	}
	return tel, func(err *error) {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
		defer cancel()
		*err = errors.CombineErrors(*err, tel.Shutdown(limited))
	}, nil
}

// runMemory is where the collector begins to work harder instead of letting
// the heap grow: with what is not heap, the process stays below 512 MiB at any
// backlog. GOMEMLIMIT, if set, holds instead.
const runMemory = 416 << 20

func limitMemory(bytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(bytes)
	}
}

// run runs the engine, and beside it the HTTP server if one is asked for.
func run(cmd *cobra.Command, s *settings.Settings, cfg pipeline.Config) (summary pipeline.Summary, err error) {
	limitMemory(runMemory)
	cat, err := catalog.Load(s.Catalog)
	if err != nil {
		return summary, err
	}
	tel, shutdown, err := openTelemetry(cmd.Context(), s, cmd.ErrOrStderr())
	if err != nil {
		return summary, err
	}
	defer shutdown(&err)
	// The server ends with the engine, and the engine with the server.
	running, stop := context.WithCancel(cmd.Context())
	defer stop()
	group, running := errgroup.WithContext(running)
	if s.HTTP != "" {
		group.Go(func() error { return web.Serve(running, s.HTTP, web.Handler(tel.Health, tel.Handler()), tel.Log) })
	}
	group.Go(func() error {
		defer stop()
		var err error
		summary, err = pipeline.Run(running, cfg, cat, tel)
		return err
	})
	return summary, group.Wait()
}

func writeSummary(out io.Writer, s pipeline.Summary, asJSON bool) error {
	if asJSON {
		return errors.Wrap(json.NewEncoder(out).Encode(s), "writing the summary")
	}
	users := "" // they are counted while draining
	if s.Users > 0 {
		users = fmt.Sprintf(" of %d users", s.Users)
	}
	_, err := fmt.Fprintf(out, "%d events%s folded in %.1f s (%.0f/s): %d badges awarded, %d revoked, %d records rejected\n",
		s.Events, users, s.Seconds, float64(s.Events)/max(s.Seconds, 0.001), s.Awarded, s.Revoked, s.Rejected)
	return errors.Wrap(err, "writing the summary")
}
