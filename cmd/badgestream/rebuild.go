package main

import (
	"context"
	"fmt"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/settings"
)

func newRebuild(s *settings.Settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Fold the log again, beside the running engine",
		Long: `rebuild folds the log from its beginning into a new generation of rows, beside
the one that readers see, in the order in which it was folded before: badges
that came and went, and places of first-comers, come out the same. Engines that
run do the work; it goes on after any of them is killed. Nobody but the
operator sees a trace of it.`,
		Example: `  badgestream rebuild start --wait
  badgestream rebuild status
  badgestream rebuild diff
  badgestream rebuild switch`,
		Args: noSubcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRebuildStart(s), newRebuildStatus(s), newRebuildDiff(s), newRebuildCancel(s),
		newRebuildSwitch(s), newRebuildRollback(s), newRebuildRetire(s), newRebuildBase(s))
	return cmd
}

// withRebuilder calls f with what answers about rebuilds.
func withRebuilder(cmd *cobra.Command, s *settings.Settings, f func(ctx context.Context, r *pipeline.Rebuilder) error) (err error) {
	tel, shutdown, err := openTelemetry(cmd.Context(), s, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer shutdown(&err)
	r, err := pipeline.OpenRebuilder(cmd.Context(), engineConfig(s), tel.Log)
	if err != nil {
		return err
	}
	defer r.Close()
	return f(cmd.Context(), r)
}

func newRebuildCancel(s *settings.Settings) *cobra.Command {
	return &cobra.Command{
		Use:     "cancel",
		Short:   "Give up the rebuild that is under way",
		Long:    `cancel gives up the rebuild that is under way, and drops its tables.`,
		Example: `  badgestream rebuild cancel`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRebuilder(cmd, s, func(ctx context.Context, r *pipeline.Rebuilder) error {
				generation, err := r.Cancel(ctx)
				if err != nil {
					return err
				}
				return fprint(cmd, "generation %d is given up, and its tables are dropped\n", generation)
			})
		},
	}
}

// errDiffers ends rebuild diff with status 1: what differs is printed.
var errDiffers = errors.New("the rebuild differs from what readers see")

// fprint prints a command's own output.
func fprint(cmd *cobra.Command, format string, args ...any) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), format, args...)
	return errors.Wrap(err, "writing the answer")
}
