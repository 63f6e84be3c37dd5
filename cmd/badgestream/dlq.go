package main

import (
	"context"
	"os/user"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/badgestream/badgestream/internal/deadletters"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

func newDLQ(s *settings.Settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Look at rejected records, send them again, or put them aside",
		Long: `dlq works on the dead letters: records of the activity topic that were no valid
events. list and show look at them, redrive appends them to the log again, and
discard puts them aside. Both say first what they would do, and do it with
--yes. A letter is named by where it stood, as list shows it: PARTITION@OFFSET
in the activity topic, or TOPIC/PARTITION@OFFSET.`,
		Example: `  badgestream dlq list --counts
  badgestream dlq list --reason data --since 24h
  badgestream dlq show 0@2568
  badgestream dlq redrive --reason data --type starview.review.created
  badgestream dlq discard 0@2570 --why "a test of the producer's" --yes`,
		Args: noSubcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDLQList(s), newDLQShow(s), newDLQRedrive(s), newDLQDiscard(s))
	return cmd
}

// letterFlags say which letters are meant.
type letterFlags struct{ reason, kind, since, until, state string }

func (f *letterFlags) bind(flags *pflag.FlagSet, state bool) {
	flags.StringVar(&f.reason, "reason", "", "of this `reason` alone: malformed, attribute, content-type, data or too-large")
	flags.StringVar(&f.kind, "type", "", "of this event `type` alone, as far as it can be read")
	flags.StringVar(&f.since, "since", "", "with a record of this `time` or later: such as 2h, for two hours ago, or 2026-03-01T12:00:00Z")
	flags.StringVar(&f.until, "until", "", "with a record of before this `time`")
	if state {
		flags.StringVar(&f.state, "state", "", "in this `state` alone: open, discarded, waiting, redriven or rejected-again")
	}
}

func (f *letterFlags) any() bool {
	return f.reason != "" || f.kind != "" || f.since != "" || f.until != "" || f.state != ""
}

// filter reads the flags.
func (f *letterFlags) filter(now time.Time) (deadletters.Filter, error) {
	filter := deadletters.Filter{Type: f.kind}
	switch reason := schemas.Reason(f.reason); reason {
	case "", schemas.ReasonMalformed, schemas.ReasonAttribute, schemas.ReasonContentType, schemas.ReasonData, schemas.ReasonTooLarge:
		filter.Reason = reason
	default:
		return filter, usage(errors.Newf("--reason: %q is none: %s", f.reason, settings.DidYouMean(f.reason, []string{"malformed", "attribute", "content-type", "data", "too-large"})))
	}
	switch state := projections.LetterState(f.state); state {
	case "", projections.LetterOpen, projections.LetterDiscarded, projections.LetterWaiting, projections.LetterRedriven, projections.LetterRejected:
		filter.State = state
	default:
		return filter, usage(errors.Newf("--state: %q is none: %s", f.state, settings.DidYouMean(f.state, []string{"open", "discarded", "waiting", "redriven", "rejected-again"})))
	}
	var err error
	if filter.Since, err = moment("since", f.since, now); err != nil {
		return filter, err
	}
	filter.Until, err = moment("until", f.until, now)
	return filter, err
}

// moment reads a time, or how long ago it was, as Unix milliseconds.
func moment(flag, text string, now time.Time) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago).UnixMilli(), nil
	}
	at, err := schemas.ParseTime(text)
	if err != nil {
		return 0, usage(errors.Newf("--%s: %q is neither a time such as 2026-03-01T12:00:00Z nor how long ago, such as 2h", flag, text))
	}
	return at / 1000, nil
}

// choose calls f for the letters named, or for those that the flags mean: of
// these for the open ones.
func choose(ctx context.Context, s *settings.Settings, store *projections.Store, flags *letterFlags, all bool, names []string, f func(*projections.Letter) error) error {
	filter, err := flags.filter(time.Now())
	switch {
	case err != nil:
		return err
	case len(names) == 0 && !flags.any() && !all:
		return usage(errors.New("which letters? Name them, or choose them by --reason, --type, --since and --until, or take --all"))
	case len(names) > 0 && (flags.any() || all):
		return usage(errors.New("name the letters, or choose them by flags, not both"))
	case len(names) == 0:
		filter.State = projections.LetterOpen
	}
	for _, name := range names {
		p, err := deadletters.ParsePlace(name, s.ActivityTopic)
		if err != nil {
			return usage(err)
		}
		filter.Places = append(filter.Places, p)
	}
	found := map[projections.Place]bool{}
	err = deadletters.Each(ctx, store, filter, projections.Place{}, func(l *projections.Letter) (bool, error) {
		if len(names) > 0 {
			found[l.Place()] = true
		}
		return true, f(l)
	})
	for _, p := range filter.Places {
		if err == nil && !found[p] {
			err = errors.Newf("there is no dead letter of %s: `badgestream dlq list` shows those that there are", deadletters.FormatPlace(p))
		}
	}
	return err
}

// decider is who decides: the one named, or who runs this program.
func decider(by string) string {
	if by != "" {
		return by
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "somebody"
}
