package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/settings"
)

func newRebuildDiff(s *settings.Settings) *cobra.Command {
	var asJSON bool
	var show int
	cmd := &cobra.Command{
		Use:   "diff",
		Short: "Compare the rebuild with what readers see",
		Long: `diff compares the rebuild with the live rows at one moment at which both are
folded up to the same offsets: how many users would gain or lose each badge, or
have it since another time, with some of them and what both sides have on it;
how many have other counters; and a hash of every table. Live folding waits for
that moment, about as long as the rebuild is behind, and goes on while things
are compared.

A hash covers all rows of a table, whatever their order. Wall times, versions of
the catalogue and what only tells of the last batch are left out. So two
rebuilds of one log have the same hashes.

The exit status is 0 if nothing differs, and 1 if something does.`,
		Example: `  badgestream rebuild diff
  badgestream rebuild diff --show 20
  badgestream rebuild diff --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if show < 0 {
				return usage(errors.New("--show must not be negative"))
			}
			return withRebuilder(cmd, s, func(ctx context.Context, r *pipeline.Rebuilder) error {
				d, err := r.Diff(ctx, show)
				if err != nil {
					return err
				}
				if asJSON {
					err = errors.Wrap(json.NewEncoder(cmd.OutOrStdout()).Encode(d), "writing the difference")
				} else {
					err = writeDiff(cmd.OutOrStdout(), d)
				}
				if err == nil && !d.Identical {
					err = errDiffers
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	cmd.Flags().IntVar(&show, "show", 5, "how many users to show of each kind of difference")
	return cmd
}

func writeDiff(out io.Writer, d *pipeline.Diff) error {
	var b strings.Builder
	fmt.Fprintf(&b, "live generation %d and rebuilt generation %d, both folded up to\n", d.Live, d.Beside)
	for _, p := range slices.Sorted(maps.Keys(d.Offsets)) {
		fmt.Fprintf(&b, "  %s offset %d\n", p, d.Offsets[p])
	}
	for _, name := range slices.Sorted(maps.Keys(d.Tables)) {
		t := d.Tables[name]
		if t.Identical {
			fmt.Fprintf(&b, "equal    %-8s %s  %d rows\n", name, t.Live, t.LiveRows)
		} else {
			fmt.Fprintf(&b, "DIFFERS  %-8s %s  %d rows\n         %-8s %s  %d rows\n", name, t.Live, t.LiveRows, "rebuilt", t.Beside, t.BesideRows)
		}
	}
	for _, slug := range slices.Sorted(maps.Keys(d.Badges)) {
		badge := d.Badges[slug]
		fmt.Fprintf(&b, "%s: %d gain it, %d lose it, %d have it since another time\n", slug, badge.Gained, badge.Lost, badge.Changed)
		for _, sample := range badge.Samples {
			fmt.Fprintf(&b, "  %q\n    live:    %s\n    rebuilt: %s\n", sample.User, evidenceText(sample.Live), evidenceText(sample.Beside))
		}
	}
	if d.Users > 0 {
		fmt.Fprintf(&b, "%d users have other counters:", d.Users)
		for _, name := range slices.Sorted(maps.Keys(d.Counters)) {
			fmt.Fprintf(&b, " %s (%d)", name, d.Counters[name])
		}
		fmt.Fprintln(&b)
		for _, u := range d.UserSamples {
			fmt.Fprintf(&b, "  %q live %s, rebuilt %s\n", u.User, u.Live.Append(nil), u.Beside.Append(nil))
		}
	}
	if d.Decisions > 0 {
		fmt.Fprintf(&b, "%d decisions would be without effect, as the rebuilt generation's catalogue has not their badges\n", d.Decisions)
		for _, x := range d.DecisionSamples {
			fmt.Fprintf(&b, "  %s %s of %q, by %s, %s\n", x.Verb, x.Badge, x.User, x.By, x.Record)
		}
	}
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "writing the difference")
}

// evidenceText says what one generation has on a badge of a user.
func evidenceText(e *pipeline.Evidence) string {
	if e == nil {
		return "no row, or no such badge"
	}
	text := "not held"
	if e.Held {
		text = "held since " + e.EarnedAt
	}
	text += fmt.Sprintf(", %s", e.Counters.Append(nil))
	if e.Last != nil {
		text += fmt.Sprintf(", last by %s/%d offset %d, event %q", e.Last.Topic, e.Last.Partition, e.Last.Offset, e.Last.ID)
	}
	return text
}
