package main

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/settings"
)

func newRebuildSwitch(s *settings.Settings) *cobra.Command {
	return switchCommand(s, false, &cobra.Command{
		Use:   "switch",
		Short: "Make the rebuild what readers see",
		Long: `switch makes the rebuild what readers see. It writes a record to the control
topic; an engine folds it like any other, and the command waits for that. Folds
wait for the moment at which the generations change places.

Badges that only the rebuild gives are published once, with reason rebuild and
the time at which they were earned. Badges that only the old rows have are kept,
or revoked with --lost revoke. Nothing else is published, and the versions of
users and snapshots only rise. All snapshots are then written anew; each is
wholly of one generation.

The old generation is folded on beside the new one: rollback goes back to it,
retire gives it up.`,
		Example: `  badgestream rebuild diff; badgestream rebuild switch
  badgestream rebuild switch --lost revoke`,
	})
}

func newRebuildRollback(s *settings.Settings) *cobra.Command {
	return switchCommand(s, true, &cobra.Command{
		Use:   "rollback",
		Short: "Go back to the generation before the switch",
		Long: `rollback makes the generation that was live before the switch what readers see
again. It was folded on since, so it is up to date. It is another switch, by the
same rules: what only that generation gives is published with reason rebuild,
what only the present one gave is kept, or revoked with --lost revoke.`,
		Example: `  badgestream rebuild rollback
  badgestream rebuild rollback --lost revoke`,
	})
}

// switchCommand makes a command that lets the generations change places.
func switchCommand(s *settings.Settings, back bool, cmd *cobra.Command) *cobra.Command {
	var lost string
	cmd.Args = noArguments
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if lost != "keep" && lost != "revoke" {
			return usage(errors.Newf("--lost: %q is not known: it is keep or revoke", lost))
		}
		return withRebuilder(cmd, s, func(ctx context.Context, r *pipeline.Rebuilder) error {
			slow := time.AfterFunc(10*time.Second, func() {
				tell(cmd.ErrOrStderr(), "nobody has done it yet: it waits for an engine, so start `badgestream run` if none runs\n")
			})
			defer slow.Stop()
			done, err := r.Switch(ctx, lost == "revoke", back)
			if err != nil {
				return err
			}
			return fprint(cmd, "generation %d is live, in place of generation %d: %d badges are given, %d revoked; folds waited %v\n",
				done.Generation, done.Formerly, done.Gained, done.Lost, done.Took)
		})
	}
	cmd.Flags().StringVar(&lost, "lost", "keep", "what becomes of badges that only the old rows have: keep or revoke")
	return cmd
}

func newRebuildRetire(s *settings.Settings) *cobra.Command {
	return &cobra.Command{
		Use:   "retire",
		Short: "Give up the generation before the switch",
		Long: `retire gives up the generation that was live before the switch, and drops its
tables. There is no way back to it then. What it gave stays in the history.`,
		Example: `  badgestream rebuild retire`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRebuilder(cmd, s, func(ctx context.Context, r *pipeline.Rebuilder) error {
				generation, err := r.Retire(ctx)
				if err != nil {
					return err
				}
				return fprint(cmd, "generation %d is retired, and its tables are dropped\n", generation)
			})
		},
	}
}
