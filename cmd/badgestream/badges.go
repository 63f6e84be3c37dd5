package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/feed"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/schemas"
)

func newBadges(s *settings.Settings) *cobra.Command {
	var span feed.Span
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "badges",
		Short: "Show badge events from the award topic",
		Long: `badges reads the award topic as consumers should, committed records only: from
its beginning to the end as it is now. With --follow it shows what comes from
now on, or, with --from-beginning as well, all that was and all that comes,
until Ctrl-C. What one partition of activity did to a user is in order; across
partitions, user_version in the JSON tells a user's order.`,
		Example: `  badgestream badges
  badgestream badges --follow
  badgestream badges --json | jq -r .data.badge | sort | uniq -c`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			span.Beginning = span.Beginning || !span.Follow
			return showBadges(cmd, s, span, asJSON)
		},
	}
	cmd.Flags().BoolVar(&span.Follow, "follow", false, "go on with what comes")
	cmd.Flags().BoolVar(&span.Beginning, "from-beginning", false, "with --follow: begin with what was")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print structured CloudEvents, one JSON a line")
	return cmd
}

func showBadges(cmd *cobra.Command, s *settings.Settings, span feed.Span, asJSON bool) error {
	view := &badgeView{out: bufio.NewWriter(cmd.OutOrStdout()), errOut: cmd.ErrOrStderr(), json: asJSON, names: badgeNames(s.Catalog), live: span.Follow}
	err := feed.Read(cmd.Context(), s.Brokers, s.AwardTopic, span, view.show)
	err = errors.CombineErrors(err, errors.Wrap(view.out.Flush(), "writing badge events"))
	if span.Follow && errors.Is(err, context.Canceled) {
		return nil // Ctrl-C is how it ends
	}
	return err
}

// badgeNames gives the badges' names by slug. Where the catalogue cannot be
// read the slugs must do: badges are shown all the same.
func badgeNames(nameOrPath string) map[string]string {
	cat, err := catalog.Load(nameOrPath)
	if err != nil {
		return nil
	}
	names := make(map[string]string, len(cat.Badges))
	for i := range cat.Badges {
		names[cat.Badges[i].Slug] = cat.Badges[i].Name
	}
	return names
}

// badgeView prints badge events.
type badgeView struct {
	out    *bufio.Writer
	errOut io.Writer
	json   bool
	live   bool
	names  map[string]string
	line   []byte
	width  int // of the users so far, for columns
}

func (v *badgeView) show(r *kgo.Record) error {
	if r.Value == nil {
		return nil // an erased one
	}
	var e schemas.BadgeEvent
	if err := schemas.DecodeBadgeEvent(r.Headers, r.Value, &e); err != nil {
		tell(v.errOut, "%s/%d@%d is no badge event: %s\n", r.Topic, r.Partition, r.Offset, err)
		return nil
	}
	if v.json {
		v.line = append(e.AppendStructured(v.line[:0]), '\n')
	} else {
		v.line = v.forPeople(&e)
	}
	_, err := v.out.Write(v.line)
	if err == nil && v.live {
		err = v.out.Flush()
	}
	return errors.Wrap(err, "writing badge events")
}

// forPeople is one line: when, who, what, and why.
func (v *badgeView) forPeople(e *schemas.BadgeEvent) []byte {
	what := "awarded"
	if e.Revoked {
		what = "revoked"
	}
	name := e.Badge
	if n := v.names[e.Badge]; n != "" {
		name = n
	}
	user := harmless(e.User)
	v.width = min(24, max(v.width, 8, utf8.RuneCountInString(user)))
	badge := fmt.Sprintf("%s (t%d)", harmless(name), e.Tier)
	var counters []string
	for _, c := range e.Counters {
		counters = append(counters, fmt.Sprintf("%s %d", c.Name, c.Value))
	}
	return fmt.Appendf(v.line[:0], "%s  %-*s  %s  %-26s  because %s on %s/%d@%d · %s\n",
		time.UnixMicro(e.Time).UTC().Format(time.DateTime), v.width, user, what, badge,
		harmless(e.Cause.ID), e.Cause.Topic, e.Cause.Partition, e.Cause.Offset, strings.Join(counters, ", "))
}

// harmless keeps what strangers wrote from acting on a terminal.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, s)
}
