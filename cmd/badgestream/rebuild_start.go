package main

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections"
)

func newRebuildStart(s *settings.Settings) *cobra.Command {
	var wait bool
	var maxRate int
	var begin string
	var rules string // the setting of that name is another matter: it may come from a file
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Ask for a rebuild",
		Long: `start writes down that a rebuild is wanted. Engines that run see it within a
second and fold the log from its beginning, by the rules that hold, or by those
of another catalogue if --catalog is given on the command line. Nothing depends
on this terminal: --wait only shows how far it is until it has caught up, and
does the work itself where no engine runs.

Without --max-rate it takes all that it can get while nothing live is folded,
and a quarter of the time while something is.

With --from base it begins with the latest base (` + "`badgestream rebuild base`" + `), with
base:N with that one, and folds the log from where that stands. With offsets,
such as activity/0=1200,activity/1=900, these partitions begin there, with
nobody having done anything: what stands before them counts for nothing.

It refuses what could not give the right rows: a topic that is compacted, was
made anew or has other partitions than before; a log that has lost what is
needed of it; a base of other rules; a second rebuild beside one that is there.`,
		Example: `  badgestream rebuild start --wait
  badgestream rebuild start --catalog new-rules.yaml
  badgestream rebuild start --max-rate 20000
  badgestream rebuild start --from base`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if maxRate < 0 {
				return usage(errors.New("--max-rate must not be negative"))
			}
			from, err := parseFrom(begin)
			if err != nil {
				return err
			}
			var cat *catalog.Catalog
			if rules != "" {
				if cat, err = catalog.Load(rules); err != nil {
					return err
				}
			}
			return withRebuilder(cmd, s, func(ctx context.Context, r *pipeline.Rebuilder) error {
				generation, err := r.Start(ctx, pipeline.Request{Catalog: cat, MaxRate: maxRate, From: from})
				if err != nil {
					return err
				}
				err = fprint(cmd, "generation %d is asked for: `badgestream rebuild status` shows how far it is\n", generation)
				if err != nil || !wait {
					return err
				}
				return waitForRebuild(ctx, cmd, r, generation)
			})
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "show how far it is until it has caught up, and do the work if no engine runs")
	cmd.Flags().StringVar(&rules, "catalog", "", "fold by the rules of this catalogue: the `name` of a shipped one, or the path of a YAML file")
	cmd.Flags().StringVar(&begin, "from", "beginning", "where to begin: beginning, base, base:`number`, or offsets")
	cmd.Flags().IntVar(&maxRate, "max-rate", 0, "the most `records` a second; 0 is no limit")
	return cmd
}

// waitForRebuild follows a rebuild until it has caught up, and helps.
func waitForRebuild(ctx context.Context, cmd *cobra.Command, r *pipeline.Rebuilder, generation int32) error {
	limitMemory(runMemory)
	working, stop := context.WithCancel(ctx)
	defer stop()
	group, working := errgroup.WithContext(working)
	group.Go(func() error { return r.Work(working) })
	group.Go(func() error {
		defer stop()
		line := newBar(cmd.ErrOrStderr(), 1)
		defer line.clear()
		for working.Err() == nil {
			status, err := r.Status(working)
			switch {
			case working.Err() != nil:
				return ctx.Err()
			case err != nil:
				return err
			case status.Generation != generation:
				return errors.Newf("generation %d was given up meanwhile", generation)
			case status.Trouble != "":
				return errors.Newf("generation %d cannot be folded on: %s", generation, status.Trouble)
			case status.State == projections.Following:
				line.clear()
				return fprint(cmd, "generation %d has caught up: `badgestream rebuild diff` compares it with what readers see\n", generation)
			}
			line.total = max(1, status.Total)
			folded := status.Records + status.Ahead
			line.show(folded, folded)
			pause(working, 200*time.Millisecond)
		}
		return ctx.Err()
	})
	return group.Wait()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
