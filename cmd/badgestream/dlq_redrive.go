package main

import (
	"fmt"
	"io"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/deadletters"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections"
)

// decideFlags are those of dlq redrive and dlq discard.
type decideFlags struct {
	letterFlags
	all, yes, json bool
	by, why        string
}

func (f *decideFlags) bindAll(cmd *cobra.Command, verb string) {
	f.bind(cmd.Flags(), false)
	cmd.Flags().BoolVar(&f.all, "all", false, "all open letters")
	cmd.Flags().BoolVar(&f.yes, "yes", false, verb+", and not only say what would be done")
	cmd.Flags().StringVar(&f.by, "by", "", "`who` decides; the user who runs this if it is not given")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the result as JSON")
}

func newDLQRedrive(s *settings.Settings) *cobra.Command {
	var f decideFlags
	cmd := &cobra.Command{
		Use:   "redrive [LETTER...]",
		Short: "Append dead letters to the log again, once what was wrong is mended",
		Long: `redrive appends rejected records to the log again: to the partition where they
stood, with the same key, value, timestamp and headers, and one header more that
says which letter it is. Running engines fold them as they come, and a rebuild
meets them at the same place. A rejected record is in no duplicate window, so it
is folded, unless the producer has sent the event again meanwhile, with the same
source and id and within the window.

Letters are named, or chosen among the open ones by flags. Each is redriven once
at most, whatever is killed when; before it appends anything, redrive looks
through the log since the last time for those that it does not know of. What
would be rejected again stays as it is.

Without --yes it only says what it would do. The exit status is 1 if letters
would be rejected again.`,
		Example: `  badgestream dlq redrive 0@2568 0@2569
  badgestream dlq redrive --reason data --type starview.review.created --since 24h
  badgestream dlq redrive --reason data --type starview.review.created --since 24h --yes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := projections.Open(cmd.Context(), s.Postgres, s.Group)
			if err != nil {
				return err
			}
			defer store.Close()
			if !f.yes {
				return foretell(cmd, s, store, &f, args)
			}
			var places []projections.Place
			err = choose(cmd.Context(), s, store, &f.letterFlags, f.all, args, func(l *projections.Letter) error {
				places = append(places, l.Place())
				return nil
			})
			if err != nil {
				return err
			}
			result, err := deadletters.Redrive(cmd.Context(), store, s.Brokers, decider(f.by), places)
			if err != nil {
				return err
			}
			if f.json {
				err = printJSON(cmd.OutOrStdout(), result)
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d dead letters appended to the log; %d were redriven before, %d would be rejected again (%d records of the log looked through)\n",
					result.Redriven, result.Before, result.Rejected, result.Looked)
			}
			return errors.CombineErrors(rejectedAgain(result.Rejected), errors.Wrap(err, "writing the result"))
		},
	}
	f.bindAll(cmd, "append them")
	return cmd
}

func rejectedAgain(n int) error {
	if n == 0 {
		return nil
	}
	return errors.Newf("%d dead letters would be rejected again, and stay as they are: `badgestream dlq show` says why", n)
}

// foretell says what redrive would do.
func foretell(cmd *cobra.Command, s *settings.Settings, store *projections.Store, f *decideFlags, names []string) error {
	judge, err := deadletters.NewJudge(cmd.Context(), store)
	if err != nil {
		return err
	}
	would, rejected := 0, 0
	err = choose(cmd.Context(), s, store, &f.letterFlags, f.all, names, func(l *projections.Letter) error {
		text := "was redriven before"
		if l.State == projections.LetterOpen || l.State == projections.LetterDiscarded {
			o := judge.Look(l)
			text = "would be " + outlookText(o)
			if o.Reject != nil {
				rejected++
			} else {
				would++
			}
		}
		return letterLine(cmd.OutOrStdout(), l, text)
	})
	if err != nil {
		return err
	}
	tell(cmd.ErrOrStderr(), "%d dead letters would be appended to the log: add --yes to do it\n", would)
	return rejectedAgain(rejected)
}

func letterLine(out io.Writer, l *projections.Letter, text string) error {
	sketch := deadletters.Read(l)
	_, err := fmt.Fprintf(out, "%s  %s %s  %s\n", deadletters.FormatPlace(l.Place()), harmless(sketch.Type), harmless(sketch.ID), harmless(text))
	return errors.Wrap(err, "writing dead letters")
}

func newDLQDiscard(s *settings.Settings) *cobra.Command {
	var f decideFlags
	cmd := &cobra.Command{
		Use:   "discard [LETTER...]",
		Short: "Put dead letters aside, with who and why",
		Long: `discard notes that dead letters will not be sent again, by whom and why. They
stay where they are, and list shows them as discarded. redrive does not choose
them by flags any more; named, it still takes them.

Without --yes it only says what it would do.`,
		Example: `  badgestream dlq discard 0@2570 --why "a test of the producer's" --yes
  badgestream dlq discard --reason malformed --until 2026-03-01T00:00:00Z --why "before the fix"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.why == "" {
				return usage(errors.New("--why is missing: say why they are discarded, for those who come later"))
			}
			store, err := projections.Open(cmd.Context(), s.Postgres, s.Group)
			if err != nil {
				return err
			}
			defer store.Close()
			return discard(cmd, s, store, &f, args)
		},
	}
	f.bindAll(cmd, "discard them")
	cmd.Flags().StringVar(&f.why, "why", "", "`reason`, for those who come later (required)")
	return cmd
}

func discard(cmd *cobra.Command, s *settings.Settings, store *projections.Store, f *decideFlags, names []string) error {
	out := cmd.OutOrStdout()
	var places []projections.Place
	err := choose(cmd.Context(), s, store, &f.letterFlags, f.all, names, func(l *projections.Letter) error {
		text := "is " + string(l.State) + " and stays so"
		if l.State == projections.LetterOpen {
			places = append(places, l.Place())
			text = "would be discarded"
		}
		if f.yes {
			return nil
		}
		return letterLine(out, l, text)
	})
	if err != nil {
		return err
	}
	if !f.yes {
		tell(cmd.ErrOrStderr(), "%d dead letters would be discarded: add --yes to do it\n", len(places))
		return nil
	}
	n, err := store.Discard(cmd.Context(), places, decider(f.by), f.why)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(out, map[string]int64{"discarded": n})
	}
	_, err = fmt.Fprintf(out, "%d dead letters discarded\n", n)
	return errors.Wrap(err, "writing the result")
}
