package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/internal/settings"
)

// auditFlags are those of audit alone.
type auditFlags struct {
	againstLog, settled, resume, json bool
	settle                            time.Duration
	passes, memory, maxRate, show     int
	state                             string
}

func newAudit(s *settings.Settings) *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Check everything against an independent recount of the log",
		Long: `audit --against-log reads the activity log from its beginning, counts it again
with code that shares nothing with the engine, and compares: users' rows, the
rows behind them, history, ledger, rejects, the award, dead-letter and ledger
topics, committed offsets, and the snapshots in Redis. It changes nothing.

Engines may run meanwhile: what they have not published yet is not held against
them. With --settled they must have nothing left to do: then nothing may lag.

Users are counted in passes, as many as --memory asks for; each pass reads the
log once, and holds one snapshot of Postgres for as long as it takes. With
--state, an audit that was stopped goes on with the next pass by --resume.

The exit status is 0 if all checks hold, 1 if one does not or could not be made,
and 2 if the command line is wrong.`,
		Example: `  badgestream audit --against-log
  badgestream audit --against-log --settled --json
  badgestream audit --against-log --memory 2048 --max-rate 20000 --state audit.json
  badgestream audit --against-log --state audit.json --resume`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return audit(cmd, s, &f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.againstLog, "against-log", false, "compare with a recount of the whole log")
	flags.BoolVar(&f.settled, "settled", false, "the engines have nothing left to do: nothing may lag")
	flags.DurationVar(&f.settle, "settle", time.Minute, "how `long` snapshots and open transactions may take to follow")
	flags.IntVar(&f.memory, "memory", 512, "about how many `MiB` a pass may hold")
	flags.IntVar(&f.passes, "passes", 0, "how many passes to make; 0 is as many as --memory asks for")
	flags.IntVar(&f.maxRate, "max-rate", 0, "the most `records` a second to read from Kafka; 0 is no limit")
	flags.StringVar(&f.state, "state", "", "`file` that remembers the passes that are done")
	flags.BoolVar(&f.resume, "resume", false, "go on with the audit that --state remembers")
	flags.IntVar(&f.show, "show", 10, "how many offending records of each check to show")
	flags.BoolVar(&f.json, "json", false, "print the report as JSON")
	return cmd
}

func (f *auditFlags) check() error {
	switch {
	case !f.againstLog:
		return usage(errors.New("there is one audit so far, the one against the log: add --against-log. An audit without reading the log is not there yet"))
	case f.resume && f.state == "":
		return usage(errors.New("--resume needs --state FILE: which audit shall go on?"))
	case f.memory < 1 || f.show < 1:
		return usage(errors.New("--memory and --show must be 1 or more"))
	case f.passes < 0 || f.maxRate < 0:
		return usage(errors.New("--passes and --max-rate must not be negative"))
	case f.settle <= 0:
		return usage(errors.New("--settle must be longer than nothing"))
	}
	return nil
}

func audit(cmd *cobra.Command, s *settings.Settings, f *auditFlags) error {
	limitMemory(int64(f.memory) << 20)
	report, err := oracle.Audit(cmd.Context(), oracle.Config{
		Brokers: s.Brokers, Postgres: s.Postgres, Redis: s.Redis, Group: s.Group,
		ActivityTopic: s.ActivityTopic, AwardTopic: s.AwardTopic, DeadLetterTopic: s.DeadLetterTopic,
		Settled: f.settled, Settle: f.settle, Passes: f.passes, Memory: int64(f.memory) << 20, MaxRate: f.maxRate, Shown: f.show,
		State: f.state, Resume: f.resume,
		Progress: func(p oracle.Progress) {
			if p.Passes > 1 && p.Done {
				tell(cmd.ErrOrStderr(), "pass %d of %d is done: %d records read\n", p.Pass, p.Passes, p.Records)
			}
		},
	})
	if err != nil {
		return err
	}
	if err := writeReport(cmd.OutOrStdout(), report, f.json); err != nil {
		return err
	}
	return report.Err()
}

func writeReport(out io.Writer, r *oracle.Report, asJSON bool) error {
	if !asJSON {
		return r.Write(out)
	}
	text, err := json.Marshal(r)
	if err == nil {
		_, err = fmt.Fprintf(out, "%s\n", text)
	}
	return errors.Wrap(err, "writing the report")
}
