package main

import (
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/schemas"
)

func newRelease(s *settings.Settings) *cobra.Command {
	return decisionCommand(s, schemas.Release, &cobra.Command{
		Short: "Let the rules decide about a badge again",
		Long: `release ends a grant or a revocation by hand: from then on the rules decide. If
they say something else than what is, the badge is given or taken at once. One
that is sticky is not taken: revoke takes it.`,
		Example: `  badgestream release mira explorer --reason "the complaint was withdrawn"`,
	})
}
