package main

import (
	"fmt"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/decisions"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// decisionFlags are those of grant, revoke, release, pin and unpin.
type decisionFlags struct {
	by, reason string
	wait       time.Duration
	json       bool
}

// decisionCommand makes a command by which a person decides about a badge.
func decisionCommand(s *settings.Settings, verb schemas.Verb, cmd *cobra.Command) *cobra.Command {
	var f decisionFlags
	cmd.Use = string(verb) + " USER BADGE"
	cmd.Long += `

It is a record on the control topic, GROUP.control, which an engine folds like
any other: a rebuild meets it at the same place. The command waits until it is
folded, and says what it did; where no engine runs, it says so after --wait, and
the decision takes effect as soon as one does.

The exit status is 0, 1 if it was refused or if servers do not answer, and 2 if
the command line is wrong.`
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) != 2 || args[0] == "" || args[1] == "" {
			return usage(errors.Newf("`%s` takes a user and a badge's slug, but %d words were given", cmd.CommandPath(), len(args)))
		}
		d := &schemas.Decision{Verb: verb, User: args[0], Badge: args[1], By: decider(f.by), Reason: f.reason}
		if verb != schemas.Pin && verb != schemas.Unpin && f.reason == "" {
			return usage(errors.New("--reason is missing: say why, for the user and for those who come later"))
		}
		return decide(cmd, s, &f, d)
	}
	cmd.Flags().StringVar(&f.by, "by", "", "`who` decides (default the user of the operating system)")
	cmd.Flags().StringVar(&f.reason, "reason", "", "`why`: `explain` shows it")
	cmd.Flags().DurationVar(&f.wait, "wait", 10*time.Second, "how long to wait for an engine to fold it; 0 does not wait")
	cmd.Flags().BoolVar(&f.json, "json", false, "print what became of it as JSON")
	return cmd
}

func decide(cmd *cobra.Command, s *settings.Settings, f *decisionFlags, d *schemas.Decision) error {
	store, err := projections.Open(cmd.Context(), s.Postgres, s.Group)
	if err != nil {
		return err
	}
	defer store.Close()
	r, err := decisions.Decide(cmd.Context(), store, s.Brokers, d, f.wait)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), r)
	}
	return fprint(cmd, "%s\n", harmless(decisionText(r)))
}

// decisionText says what became of a decision.
func decisionText(r *decisions.Result) string {
	at := fmt.Sprintf("%s/%d@%d", r.Topic, r.Partition, r.Offset)
	if !r.Folded {
		return fmt.Sprintf("written at %s, and not folded yet: it takes effect as soon as an engine comes to it (`badgestream run`)", at)
	}
	what := map[schemas.Verb]string{schemas.Grant: "granted", schemas.Revoke: "revoked", schemas.Release: "left to the rules", schemas.Pin: "pinned", schemas.Unpin: "unpinned"}[r.Decision]
	text := fmt.Sprintf("%s of %s is %s, by the record %s", r.Badge, r.User, what, at)
	if r.Decision == schemas.Pin && !r.Pinned {
		text = fmt.Sprintf("%s of %s is not pinned: other pins came before the record %s", r.Badge, r.User, at)
	}
	switch held := map[bool]string{true: "is held", false: "is not held"}[r.Held]; {
	case r.Event:
		text += ": it " + held + " now, and a badge event says so"
	default:
		text += ": it " + held + ", as before"
	}
	return text
}
