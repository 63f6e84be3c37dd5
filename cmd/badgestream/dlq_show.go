package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/deadletters"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

func newDLQShow(s *settings.Settings) *cobra.Command {
	var asJSON, raw bool
	cmd := &cobra.Command{
		Use:   "show LETTER",
		Short: "Show one dead letter, whole",
		Long: `show prints a dead letter with its headers, key and value, why it was rejected,
what people decided about it, and what would become of it if it were redriven
now. --raw prints the bytes of its value and nothing else.`,
		Example: `  badgestream dlq show 0@2568
  badgestream dlq show activity/0@2568 --json
  badgestream dlq show 0@2568 --raw > event.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(errors.Newf("`badgestream dlq show` takes one letter, but %d were given", len(args)))
			}
			store, err := projections.Open(cmd.Context(), s.Postgres, s.Group)
			if err != nil {
				return err
			}
			defer store.Close()
			var l *projections.Letter
			err = choose(cmd.Context(), s, store, &letterFlags{}, false, args, func(found *projections.Letter) error {
				l = found
				return nil
			})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			switch {
			case raw:
				_, err = out.Write(l.Value)
				return errors.Wrap(err, "writing the value")
			case asJSON:
				return printJSON(out, letterJSON(l, true))
			}
			judge, err := deadletters.NewJudge(cmd.Context(), store)
			if err != nil {
				return err
			}
			return drawLetter(out, l, judge.Look(l))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	cmd.Flags().BoolVar(&raw, "raw", false, "print the value's bytes alone")
	return cmd
}

// shownBytes is how much of a value people are shown.
const shownBytes = 4 << 10

func drawLetter(out io.Writer, l *projections.Letter, o deadletters.Outlook) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s · %s · %s\n%s: %s\n", deadletters.FormatPlace(l.Place()), deadletters.FormatTimestamp(l.Timestamp), l.State, l.Reason, harmless(l.Detail))
	if !l.Decided.IsZero() {
		fmt.Fprintf(&b, "decided %s by %s", schemas.FormatTime(l.Decided.UnixMicro()), harmless(l.By))
		if l.Why != "" {
			fmt.Fprintf(&b, ": %s", harmless(l.Why))
		}
		if l.To >= 0 {
			fmt.Fprintf(&b, ": it stands at offset %d now", l.To)
		}
		b.WriteByte('\n')
	}
	if l.State == projections.LetterOpen || l.State == projections.LetterDiscarded {
		fmt.Fprintf(&b, "redriven now, it would be %s\n", harmless(outlookText(o)))
	}
	for _, h := range l.Headers {
		fmt.Fprintf(&b, "%s: %s\n", harmless(h.Key), shownText(h.Value))
	}
	fmt.Fprintf(&b, "key: %s\nvalue, %d bytes:\n%s\n", shownText(l.Key), len(l.Value), shownText(l.Value))
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "writing the dead letter")
}

func outlookText(o deadletters.Outlook) string {
	switch {
	case o.Reject != nil:
		return "rejected again, " + o.Reject.Error()
	case o.Unknown:
		return "passed over, as the catalogue has no event of its type"
	}
	return "folded"
}

func shownText(b []byte) string {
	cut := ""
	if len(b) > shownBytes {
		b, cut = b[:shownBytes], " …"
	}
	switch {
	case b == nil:
		return "(none)"
	case utf8.Valid(b) || cut != "" && utf8.Valid(b[:len(b)-3]):
		return harmless(string(b)) + cut
	}
	return fmt.Sprintf("%x", b) + cut
}
