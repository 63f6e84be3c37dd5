package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/settings"
)

func newRebuildStatus(s *settings.Settings) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how far the rebuild is",
		Long: `status shows how far the rebuild is that is under way, in all and in each
partition, how fast it gets on, and how long it will take at that rate. A rebuild
that has caught up follows what is folded live. The exit status is 1 if there is
none.`,
		Example: `  badgestream rebuild status
  badgestream rebuild status --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRebuilder(cmd, s, func(ctx context.Context, r *pipeline.Rebuilder) error {
				status, err := r.Status(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return errors.Wrap(json.NewEncoder(cmd.OutOrStdout()).Encode(status), "writing the status")
				}
				return writeStatus(cmd.OutOrStdout(), status)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return cmd
}

func writeStatus(out io.Writer, s *pipeline.Status) error {
	var b strings.Builder
	fmt.Fprintf(&b, "generation %d is %s, by version %d of the catalogue; readers see generation %d\n", s.Generation, s.State, s.CatalogVersion, s.Live)
	switch {
	case s.Filling:
		fmt.Fprintf(&b, "It begins with base %d, and takes the rows of that first.\n", s.Base)
	case s.Base != 0:
		fmt.Fprintf(&b, "It began with base %d.\n", s.Base)
	}
	fmt.Fprintf(&b, "%-24s %s %d of %d records", "all", share(s.Records+s.Ahead, s.Total), s.Records+s.Ahead, s.Total)
	if s.Rate > 0 {
		fmt.Fprintf(&b, ", %.0f/s", s.Rate)
	}
	if s.SecondsLeft != nil && *s.SecondsLeft > 0 {
		fmt.Fprintf(&b, ", %s left", (time.Duration(*s.SecondsLeft*1000) * time.Millisecond).Round(time.Second))
	}
	fmt.Fprintln(&b)
	if s.Ahead > 0 {
		fmt.Fprintf(&b, "%-24s %s %d records: committed, and what a crash leaves\n", "", share(s.Records, s.Total), s.Records)
	}
	for _, p := range s.Partitions {
		fmt.Fprintf(&b, "%-24s %s offset %d of %d\n", fmt.Sprintf("%s/%d", p.Topic, p.Partition), share(p.Next-p.Begins, p.Live-p.Begins), p.Next, p.Live)
	}
	switch {
	case s.Trouble != "":
		fmt.Fprintf(&b, "It cannot go on: %s\n", s.Trouble)
	case !s.Worked:
		fmt.Fprintf(&b, "Nobody works on it now: start `badgestream run`, or ask again in a few seconds.\n")
	}
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "writing the status")
}

// share draws how much of something is done.
func share(done, total int64) string {
	const width = 20
	part := 1.0
	if total > 0 {
		part = float64(done) / float64(total)
	}
	full := int(part * width)
	return fmt.Sprintf("%s%s %3.0f %%", strings.Repeat("█", full), strings.Repeat("░", width-full), 100*part)
}
