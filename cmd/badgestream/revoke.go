package main

import (
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/schemas"
)

func newRevoke(s *settings.Settings) *cobra.Command {
	return decisionCommand(s, schemas.Revoke, &cobra.Command{
		Short: "Take a badge from a user by hand",
		Long: `revoke takes a badge from a user, whatever the rules say, also one that is
sticky: no activity gives it again, until somebody grants it or releases it.`,
		Example: `  badgestream revoke mira explorer --reason "visits were made up"
  badgestream revoke mira explorer --reason "ticket 4711" --by anna`,
	})
}
