package main

import (
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/schemas"
)

func newPin(s *settings.Settings) *cobra.Command {
	return decisionCommand(s, schemas.Pin, &cobra.Command{
		Short: "Show one of a user's badges first",
		Long: `pin makes a badge one that the user shows first, after those pinned before it:
snapshots name them in pins. There are up to 3. A pin shows while the badge is
held, and comes back with it.`,
		Example: `  badgestream pin mira explorer --by mira`,
	})
}

func newUnpin(s *settings.Settings) *cobra.Command {
	return decisionCommand(s, schemas.Unpin, &cobra.Command{
		Short:   "Show a user's badge first no more",
		Long:    `unpin makes a badge one that the user does not show first any more.`,
		Example: `  badgestream unpin mira explorer --by mira`,
	})
}
