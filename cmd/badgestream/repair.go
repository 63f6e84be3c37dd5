package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/repair"
	"github.com/badgestream/badgestream/internal/settings"
)

func newRepair(s *settings.Settings) *cobra.Command {
	var user string
	var yes, asJSON bool
	var settle time.Duration
	cmd := &cobra.Command{
		Use:   "repair --user USER",
		Short: "Make one user's rows and snapshot right again, from the log",
		Long: `repair reads the whole log, folds one user's events again in the order in which
they took effect, and says in what the user's row, members, things and snapshot
are not what that gives. Engines may run. Nothing is changed without --yes.

With --yes all of it is made right in one transaction, for which folds wait a
moment. No badge event is published: what the log gives was told when it was
folded. Where the history says otherwise than the log which badges the user has,
nothing is changed, and the badges are named: a rebuild and a switch tell of
them.

The exit status is 0 if all is right, or is by now, 1 if something differs or
could not be repaired, and 2 if the command line is wrong.`,
		Example: `  badgestream repair --user mira
  badgestream repair --user mira --yes
  badgestream repair --user mira --json | jq .differences`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if user == "" {
				return usage(errors.New("--user is missing: whose rows shall be repaired?"))
			}
			result, err := repair.Run(cmd.Context(), repair.Config{Brokers: s.Brokers, Postgres: s.Postgres, Redis: s.Redis, Group: s.Group,
				User: user, Apply: yes, Settle: settle})
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), result)
			} else {
				err = writeRepair(cmd.OutOrStdout(), result)
			}
			switch {
			case err != nil:
				return err
			case len(result.Untold) > 0:
				return errors.Newf("%q is not repaired: the history tells otherwise than the log which badges there are; `badgestream rebuild` and its switch tell of them", user)
			case !result.Right() && !result.Repaired:
				return errors.Newf("%q is not as the log has it: add --yes to repair it", user)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "the `id` of the user")
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	cmd.Flags().DurationVar(&settle, "settle", 5*time.Second, "how `long` the snapshot may take to follow its row")
	return cmd
}

func writeRepair(out io.Writer, r *repair.Result) error {
	var b strings.Builder
	for _, d := range r.Differences {
		fmt.Fprintf(&b, "%s: %s → %s\n", d.What, d.Has, d.Want)
	}
	if r.Snapshot {
		fmt.Fprintln(&b, "snapshot: not the row's")
	}
	for _, text := range r.Untold {
		fmt.Fprintf(&b, "cannot be repaired: %s\n", text)
	}
	switch {
	case r.Repaired:
		fmt.Fprintf(&b, "%q is repaired; folds waited %.0f ms\n", r.User, r.Waited*1000)
	case r.Right():
		fmt.Fprintf(&b, "%q is what the log gives\n", r.User)
	}
	if r.EpochRaised {
		fmt.Fprintln(&b, "a later version of the user was seen before: engines write all snapshots anew, under a higher epoch")
	}
	fmt.Fprintf(&b, "%d records read in %.1f s\n", r.Records, r.Seconds)
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "writing the result")
}
