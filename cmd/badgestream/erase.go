package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/erasure"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// eraseFlags are those of erase alone.
type eraseFlags struct {
	by, reason       string
	wait             time.Duration
	yes, json, check bool
}

func newErase(s *settings.Settings) *cobra.Command {
	var f eraseFlags
	cmd := &cobra.Command{
		Use:   "erase USER...",
		Short: "Remove all that there is of a user, for good",
		Long: `erase removes users from Postgres, Redis, the award topic and the rejected
records, and says what there was and what is left. From then on nothing counts
for them any more, also in every rebuild, though the activity log keeps their
events. What they did for others goes on counting, and a place that they had
among the first stays empty. It cannot be undone. Nothing is removed without
--yes.

It is a record on the control topic, GROUP.control, which names them by hashes
that only the group's database can make. What readers see goes in one moment,
for which folds wait; the rest follows within seconds. Of badge events the award
topic and the dead letters get tombstones: compaction removes both within a day.

--check only looks, and reads the award topic and the dead letters from their
beginning. Dead letters that an older badgestream wrote get no tombstones: those
that name a user are listed, and go by retention or by kafka-delete-records.

The exit status is 0 if nothing is left, 1 if something is, or if servers do not
answer, and 2 if the command line is wrong.`,
		Example: `  badgestream erase mira
  badgestream erase mira --reason "ticket 4711" --yes
  badgestream erase mira --check --json | jq .rows`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 || slices.Contains(args, ""):
				return usage(errors.New("`badgestream erase` takes the ids of one or more users"))
			case len(args) > schemas.MaxErased:
				return usage(errors.Newf("%d users at once are too many: %d are allowed", len(args), schemas.MaxErased))
			case f.yes && f.check:
				return usage(errors.New("--check only looks, and --yes erases: give one of them"))
			}
			return eraseUsers(cmd, s, &f, args)
		},
	}
	cmd.Flags().StringVar(&f.by, "by", "", "`who` decides (default the user of the operating system)")
	cmd.Flags().StringVar(&f.reason, "reason", "", "`why`, without naming anybody: it stays in the log")
	cmd.Flags().DurationVar(&f.wait, "wait", 60*time.Second, "how long to wait until nothing is left; 0 does not wait")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do it")
	cmd.Flags().BoolVar(&f.check, "check", false, "look whether anything is left")
	cmd.Flags().BoolVar(&f.json, "json", false, "print what there is of each as JSON, one line for each")
	return cmd
}

func eraseUsers(cmd *cobra.Command, s *settings.Settings, f *eraseFlags, users []string) error {
	ctx := cmd.Context()
	store, err := projections.Open(ctx, s.Postgres, s.Group)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	if f.yes {
		at, done, err := erasure.Erase(ctx, store, s.Brokers, users, decider(f.by), f.reason, f.wait)
		if err != nil {
			return err
		}
		if !done {
			return errors.Newf("the record stands at %s/%d@%d, and not everything is removed yet: engines go on with it (`badgestream run`), and --check looks what is left", at.Topic, at.Partition, at.Offset)
		}
	}
	reports, err := erasure.Look(ctx, store, &erasure.Config{Brokers: s.Brokers, Redis: s.Redis, AwardTopic: s.AwardTopic, DeadLetterTopic: s.DeadLetterTopic}, users...)
	if err != nil {
		return err
	}
	left := false
	for _, r := range reports {
		left = left || r.Left()
		if f.json {
			err = printJSON(cmd.OutOrStdout(), r)
		} else {
			err = writeErasure(cmd.OutOrStdout(), r)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case left && f.yes:
		return errors.New("something is left: --check looks again")
	case left && !f.check:
		return errors.New("nothing is erased: add --yes to do it, which cannot be undone")
	case left:
		return errors.New("something is there")
	}
	return nil
}

// writeErasure says what there is of a user.
func writeErasure(out io.Writer, r *erasure.Report) error {
	var b strings.Builder
	switch {
	case r.Done != "":
		fmt.Fprintf(&b, "%q was erased by the record %s of %s, by %s; nothing was left at %s\n", r.User, r.Record, r.Erased, r.By, r.Done)
	case r.Erased != "":
		fmt.Fprintf(&b, "%q is being erased by the record %s of %s, by %s\n", r.User, r.Record, r.Erased, r.By)
	default:
		fmt.Fprintf(&b, "%q was not erased\n", r.User)
	}
	for _, table := range slices.Sorted(maps.Keys(r.Rows)) {
		fmt.Fprintf(&b, "  Postgres, %s: %d rows\n", table, r.Rows[table])
	}
	if len(r.Rows) == 0 {
		fmt.Fprintln(&b, "  Postgres: nothing")
	}
	fmt.Fprintf(&b, "  Redis: %s\n", map[bool]string{true: "a snapshot", false: "nothing"}[r.Snapshot])
	switch {
	case r.Events == 0:
		fmt.Fprintln(&b, "  award topic: nothing")
	case r.Forgotten == r.Events:
		fmt.Fprintf(&b, "  award topic: %d badge events, each with its tombstone: compaction removes them\n", r.Events)
	default:
		fmt.Fprintf(&b, "  award topic: %d badge events, %d of them with a tombstone\n", r.Events, r.Forgotten)
	}
	if r.LettersForgotten > 0 {
		fmt.Fprintf(&b, "  dead letters: %d, each with its tombstone: compaction removes them\n", r.LettersForgotten)
	}
	if len(r.Letters) > 0 {
		fmt.Fprintf(&b, "  dead letters that name the user: %s\n", strings.Join(r.Letters, ", "))
	}
	for _, topic := range r.NotCompacted {
		fmt.Fprintf(&b, "  topic %s is not compacted, and keeps what has a tombstone: set its cleanup.policy to compact\n", topic)
	}
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "writing the answer")
}
