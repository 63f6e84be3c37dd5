package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/badgestream/badgestream/internal/drift"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/internal/settings"
)

// auditFlags are those of audit alone.
type auditFlags struct {
	againstLog, settled, resume, json bool
	fix, yes                          bool
	settle, watch                     time.Duration
	passes, memory, maxRate, show     int
	state                             string
}

func newAudit(s *settings.Settings) *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Check that rows, history and snapshots agree; or everything against a recount of the log",
		Long: `audit looks for what does not go together in Postgres and Redis: users' rows with
their members, things and history, with the conditions of badges, and with their
snapshots. It also looks for partitions that nobody folds, event types that have
fallen silent, and dead letters that become many. It reads no more of the log
than its end. --fix says what could be mended without the log; --fix --yes mends
it.

audit --against-log reads the activity log from its beginning, counts it again
with code that shares nothing with the engine, and compares: users' rows, the
rows behind them, history, ledger, rejects, the award, dead-letter and ledger
topics, committed offsets, and the snapshots in Redis. It changes nothing. Users
are counted in passes, as many as --memory asks for; each pass reads the log
once, and holds one snapshot of Postgres for as long as it takes. With --state,
an audit that was stopped goes on with the next pass by --resume.

Engines may run meanwhile: what they have not published yet is not held against
them. With --settled they must have nothing left to do: then nothing may lag.

The exit status is 0 if all checks hold, 1 if one does not or could not be made,
and 2 if the command line is wrong.`,
		Example: `  badgestream audit
  badgestream audit --max-rate 20000 --json
  badgestream audit --fix
  badgestream audit --fix --yes
  badgestream audit --against-log
  badgestream audit --against-log --settled --json
  badgestream audit --against-log --memory 2048 --max-rate 20000 --state audit.json
  badgestream audit --against-log --state audit.json --resume`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd.Flags()); err != nil {
				return err
			}
			if !f.againstLog {
				return auditDrift(cmd, s, &f)
			}
			return audit(cmd, s, &f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.DurationVar(&f.settle, "settle", time.Minute, "how `long` snapshots and open transactions may take to follow")
	flags.IntVar(&f.maxRate, "max-rate", 0, "the most users a second to look at, or with --against-log `records` to read; 0 is no limit")
	flags.IntVar(&f.show, "show", 10, "how many offending records of each check to show")
	flags.BoolVar(&f.json, "json", false, "print the report as JSON")
	flags.DurationVar(&f.watch, "watch", 10*time.Second, "how `long` to watch what waits before nobody is said to fold it")
	flags.BoolVar(&f.fix, "fix", false, "say what could be mended without the log")
	flags.BoolVar(&f.yes, "yes", false, "with --fix: mend it, and not only say so")
	flags.BoolVar(&f.againstLog, "against-log", false, "compare with a recount of the whole log")
	flags.BoolVar(&f.settled, "settled", false, "with --against-log: the engines have nothing left to do, nothing may lag")
	flags.IntVar(&f.memory, "memory", 512, "with --against-log: about how many `MiB` a pass may hold")
	flags.IntVar(&f.passes, "passes", 0, "with --against-log: how many passes to make; 0 is as many as --memory asks for")
	flags.StringVar(&f.state, "state", "", "with --against-log: `file` that remembers the passes that are done")
	flags.BoolVar(&f.resume, "resume", false, "with --against-log: go on with the audit that --state remembers")
	return cmd
}

func (f *auditFlags) check(given *pflag.FlagSet) error {
	for _, name := range []string{"settled", "memory", "passes", "state", "resume"} {
		if !f.againstLog && given.Changed(name) {
			return usage(errors.Newf("--%s goes with --against-log: without it the log is not read", name))
		}
	}
	for _, name := range []string{"fix", "yes", "watch"} {
		if f.againstLog && given.Changed(name) {
			return usage(errors.Newf("--%s does not go with --against-log, which changes nothing", name))
		}
	}
	switch {
	case f.yes && !f.fix:
		return usage(errors.New("--yes goes with --fix: what shall be done?"))
	case f.resume && f.state == "":
		return usage(errors.New("--resume needs --state FILE: which audit shall go on?"))
	case f.memory < 1 || f.show < 1:
		return usage(errors.New("--memory and --show must be 1 or more"))
	case f.passes < 0 || f.maxRate < 0:
		return usage(errors.New("--passes and --max-rate must not be negative"))
	case f.settle <= 0 || f.watch <= 0:
		return usage(errors.New("--settle and --watch must be longer than nothing"))
	}
	return nil
}

// auditDrift looks for drift without the log.
func auditDrift(cmd *cobra.Command, s *settings.Settings, f *auditFlags) error {
	report, err := drift.Audit(cmd.Context(), drift.Config{
		Brokers: s.Brokers, Postgres: s.Postgres, Redis: s.Redis, Group: s.Group,
		MaxRate: f.maxRate, Settle: f.settle, Watch: f.watch, Shown: f.show, Fix: f.fix, Apply: f.yes,
	})
	if err != nil {
		return err
	}
	if f.json {
		err = printJSON(cmd.OutOrStdout(), report)
	} else {
		err = report.Write(cmd.OutOrStdout())
	}
	if err != nil {
		return err
	}
	return report.Err()
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
