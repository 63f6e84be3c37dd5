package main

import (
	"bufio"
	"fmt"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/internal/simulation"
	"github.com/badgestream/badgestream/schemas"
)

// defaultBatch is how many events simulate folds at once if nobody says.
const defaultBatch = 10_000

// simulateFlags are those of simulate alone.
type simulateFlags struct {
	events, progress, rejects string
	strict                    bool
}

func newSimulate(s *settings.Settings) *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate --events FILE",
		Short: "Fold a file of events in memory, with no servers",
		Long: `simulate reads structured CloudEvents, one JSON a line, as one partition whose
first line is offset 0, and writes the badge events to standard output, one
JSON a line: by causing event, then user, then display order. It is the fold of
` + "`badgestream run`" + ` and nothing else, so it is also how to try a catalogue.

Lines that are no valid event are reported on standard error and passed over;
so is an empty line, and an event of the catalogue's without a time. Ages are
as of the latest badgestream.tick.`,
		Example: `  badgestream simulate --catalog starview --events events.ndjson
  badgestream simulate --catalog mine.yaml --events - --progress progress.ndjson < events.ndjson
  badgestream load --events 100000 --out - | badgestream simulate --events - > badges.ndjson`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return simulate(cmd, s, f) },
	}
	cmd.Flags().StringVar(&f.events, "events", "", "`file` of events, or - for standard input (required)")
	cmd.Flags().StringVar(&f.progress, "progress", "", "`file` to write every user's progress to, by user id")
	cmd.Flags().StringVar(&f.rejects, "rejects", "", "`file` to write the numbers of rejected lines to")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "exit with status 1 if a line was rejected")
	return cmd
}

func simulate(cmd *cobra.Command, s *settings.Settings, f simulateFlags) (err error) {
	in, err := openInput(cmd, "events", f.events)
	if err != nil {
		return err
	}
	defer closeInput(in)
	cat, err := catalog.Load(s.Catalog)
	if err != nil {
		return err
	}
	rejects, closeRejects, err := createOutput(f.rejects)
	if err != nil {
		return err
	}
	defer closeRejects(&err)
	badges := bufio.NewWriter(cmd.OutOrStdout())
	cfg := simulation.Config{Catalog: cat, Batch: s.Batch, Group: s.Group, Topic: s.ActivityTopic}
	if cfg.Batch == 0 {
		cfg.Batch = defaultBatch
	}
	sim := simulation.New(cfg, simulation.Output{
		Badges: badges,
		Rejected: func(line int64, why *schemas.Reject) error {
			tell(cmd.ErrOrStderr(), "line %d: %s\n", line, why)
			_, err := fmt.Fprintln(rejects, line)
			return errors.Wrapf(err, "writing %s", f.rejects)
		},
	})
	sum, err := sim.Run(cmd.Context(), in)
	if err := errors.CombineErrors(err, badges.Flush()); err != nil {
		return err
	}
	if err := writeProgress(f.progress, sim); err != nil {
		return err
	}
	tell(cmd.ErrOrStderr(), "%s\n", sum)
	if f.strict && sum.Rejected > 0 {
		return errors.Newf("%d of %d lines were rejected, and --strict allows none", sum.Rejected, sum.Lines)
	}
	return nil
}

func writeProgress(path string, sim *simulation.Simulation) (err error) {
	if path == "" {
		return nil
	}
	out, closeOut, err := createOutput(path)
	if err != nil {
		return err
	}
	defer closeOut(&err)
	return sim.WriteProgress(out)
}
