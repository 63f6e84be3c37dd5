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
	"github.com/badgestream/badgestream/projections"
)

func newRebuildBase(s *settings.Settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "base",
		Short: "Take a base that rebuilds can begin with",
		Long: `base copies the rows that readers see and their history, as they are at one
moment, while folding goes on. A rebuild that begins with a base needs the log
only from there on: take one before the log's retention deletes records, and
whenever folding the whole log takes longer than you want to wait.

What was wrong when a base was taken stays wrong in every rebuild that begins
with it: compare first, with a rebuild from the beginning. Rules that differ
from a base's cannot begin with it. A base that has rows of a user who is erased
later is given up: take another.`,
		Example: `  badgestream rebuild base
  badgestream rebuild base list
  badgestream rebuild start --from base --wait
  badgestream rebuild base drop 4`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRebuilder(cmd, s, func(ctx context.Context, r *pipeline.Rebuilder) error {
				base, err := r.TakeBase(ctx)
				if err != nil {
					return err
				}
				return fprint(cmd, "base %d is taken, %s: `badgestream rebuild start --from base:%d` begins with it\n", base.Number, megabytes(base.Bytes), base.Number)
			})
		},
	}
	cmd.AddCommand(newRebuildBaseList(s), newRebuildBaseDrop(s))
	return cmd
}

// baseJSON is a base as `rebuild base list --json` shows it.
type baseJSON struct {
	Base           int32            `json:"base"`
	At             time.Time        `json:"at"`
	CatalogVersion int32            `json:"catalog_version"`
	Bytes          int64            `json:"bytes"`
	Offsets        map[string]int64 `json:"offsets"` // by TOPIC/PARTITION, the next to fold
}

func newRebuildBaseList(s *settings.Settings) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Show the bases that there are",
		Long:    `list shows the bases that there are, and at which offsets they stand.`,
		Example: "  badgestream rebuild base list\n  badgestream rebuild base list --json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRebuilder(cmd, s, func(ctx context.Context, r *pipeline.Rebuilder) error {
				list, err := r.Bases(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return errors.Wrap(json.NewEncoder(cmd.OutOrStdout()).Encode(basesJSON(list)), "writing the bases")
				}
				return writeBases(cmd.OutOrStdout(), list)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print them as JSON")
	return cmd
}

func basesJSON(list []projections.Base) []baseJSON {
	out := make([]baseJSON, len(list))
	for i, b := range list {
		out[i] = baseJSON{Base: b.Number, At: b.At.UTC(), CatalogVersion: b.CatalogVersion, Bytes: b.Bytes, Offsets: map[string]int64{}}
		for _, o := range b.Offsets {
			out[i].Offsets[fmt.Sprintf("%s/%d", o.Topic, o.Partition)] = o.Offset
		}
	}
	return out
}

func writeBases(out io.Writer, list []projections.Base) error {
	var b strings.Builder
	for _, base := range list {
		fmt.Fprintf(&b, "base %d of %s, by version %d of the catalogue, %s\n", base.Number, base.At.UTC().Format(time.RFC3339), base.CatalogVersion, megabytes(base.Bytes))
		for _, o := range base.Offsets {
			fmt.Fprintf(&b, "  %s/%d offset %d\n", o.Topic, o.Partition, o.Offset)
		}
	}
	if len(list) == 0 {
		b.WriteString("there is no base: `badgestream rebuild base` takes one\n")
	}
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "writing the bases")
}

func newRebuildBaseDrop(s *settings.Settings) *cobra.Command {
	return &cobra.Command{
		Use:     "drop BASE",
		Short:   "Give up a base",
		Long:    `drop gives up a base, and drops its tables.`,
		Example: `  badgestream rebuild base drop 4`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(errors.New("give the number of one base: `badgestream rebuild base list` shows them"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := baseNumber(args[0])
			if err != nil {
				return err
			}
			return withRebuilder(cmd, s, func(ctx context.Context, r *pipeline.Rebuilder) error {
				if err := r.DropBase(ctx, number); err != nil {
					return err
				}
				return fprint(cmd, "base %d is dropped\n", number)
			})
		},
	}
}

// megabytes shows a size on disk.
func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }
