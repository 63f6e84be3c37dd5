package main

import (
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/schemas"
)

func newGrant(s *settings.Settings) *cobra.Command {
	return decisionCommand(s, schemas.Grant, &cobra.Command{
		Short: "Give a user a badge by hand",
		Long: `grant gives a user a badge, whatever the rules say: it is held from then on, and
no activity takes it, until somebody revokes it or releases it. Who holds it
already keeps it with its time, and then keeps it even if the rules would take
it. A user of whom nothing is known yet may be given one too.`,
		Example: `  badgestream grant mira explorer --reason "helped us to find a fault"
  badgestream grant mira explorer --reason "ticket 4711" --by anna --wait 0`,
	})
}
