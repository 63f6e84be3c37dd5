package main

import (
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections"
)

func newReplayList(s *settings.Settings) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the scratch generations that are there",
		Long:    `list shows the scratch generations that are there, with their schemas in Postgres.`,
		Example: `  badgestream replay list`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, s, func(store *projections.Store) error {
				list, err := store.Scratches(cmd.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), list)
				}
				for _, x := range list {
					if err := fprint(cmd, "%d  %s  %s  %s\n", x.Generation, x.At.UTC().Format(time.RFC3339), x.Schema, x.What); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print them as JSON")
	return cmd
}

func newReplayDrop(s *settings.Settings) *cobra.Command {
	return &cobra.Command{
		Use:     "drop GENERATION",
		Short:   "Remove a scratch generation",
		Long:    `drop removes a scratch generation with its tables. It removes no other.`,
		Example: `  badgestream replay drop 3`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(errors.New("which scratch generation? `badgestream replay list` shows their numbers"))
			}
			n, err := strconv.ParseInt(args[0], 10, 32)
			if err != nil {
				return usage(errors.Newf("%q is no number of a generation", args[0]))
			}
			return withStore(cmd, s, func(store *projections.Store) error {
				if err := store.DropScratch(cmd.Context(), int32(n)); err != nil {
					return err
				}
				return fprint(cmd, "scratch generation %d is dropped\n", n)
			})
		},
	}
}
