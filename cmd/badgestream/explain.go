package main

import (
	"encoding/json"
	"io"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/explain"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections"
)

// explainFlags are those of explain alone.
type explainFlags struct{ trace, json bool }

func newExplain(s *settings.Settings) *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain USER [BADGE]",
		Short: "Say why a user holds a badge, lost it, or does not have it yet",
		Long: `explain says for each badge of a user, or for the one named by its slug: of one
that is held, which event earned it, with the counters as they were then; of one
that was lost, which event took it; of one that is not held, each condition,
what is missing, and which events count. It reads Postgres alone.

With --trace it also reads the whole log, folds the user's events again in the
order in which they took effect, and shows each with what it did: what counted,
and what was passed over, as a duplicate, a record that is no valid event, an
act upon oneself, or for another reason. If that gives another row than the
user's, it says so.

The exit status is 0, 1 if there is no such user or badge or if servers do not
answer, and 2 if the command line is wrong.`,
		Example: `  badgestream explain mira
  badgestream explain mira explorer
  badgestream explain mira explorer --trace
  badgestream explain mira --json | jq '.badges[] | select(.state == "lost")'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 || args[0] == "" {
				return usage(errors.Newf("`badgestream explain` takes a user and perhaps a badge's slug, but %d words were given", len(args)))
			}
			badge := ""
			if len(args) == 2 {
				badge = args[1]
			}
			return explainUser(cmd, s, f, args[0], badge)
		},
	}
	cmd.Flags().BoolVar(&f.trace, "trace", false, "read the log, and show what became of each of the user's events")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the explanation as JSON")
	return cmd
}

func explainUser(cmd *cobra.Command, s *settings.Settings, f explainFlags, user, badge string) error {
	ctx := cmd.Context()
	store, err := projections.Open(ctx, s.Postgres, s.Group)
	if err != nil {
		return err
	}
	defer store.Close()
	e, err := explain.Explain(ctx, store, user, badge)
	if err != nil {
		return err
	}
	if f.trace {
		if err := e.AddTrace(ctx, store, s.Brokers); err != nil {
			return err
		}
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), e)
	}
	return drawExplanation(cmd.OutOrStdout(), e, badge != "")
}

// printJSON prints one value as one line.
func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return errors.Wrap(enc.Encode(v), "writing to standard output")
}
