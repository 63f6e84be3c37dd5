package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/replay"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections"
)

// replayFlags are those of replay alone.
type replayFlags struct {
	user      string
	partition int32
	from, to  int64
	json      bool
}

func newReplay(s *settings.Settings) *cobra.Command {
	f := replayFlags{partition: -1}
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Fold a part of the log into a scratch generation, to look at",
		Long: `replay folds one user's events of the whole log, or a stretch of one partition of
the activity topic, into a scratch generation: a schema of its own in Postgres
with the tables of a generation. Live rows, Redis and topics stay as they are.

With --user it compares what comes out with the live rows, and the exit status is
1 if they differ. With --partition, --from and --to (that excluded) it says what
the stretch gives to users who had nothing before: events, rejects, badges.

A scratch generation stays until "badgestream replay drop".`,
		Example: `  badgestream replay --user mira
  badgestream replay --partition 0 --from 1000 --to 2000 --json
  badgestream replay list
  badgestream replay drop 3`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags := cmd.Flags()
			stretch := flags.Changed("partition") || flags.Changed("from") || flags.Changed("to")
			if (f.user != "") == stretch {
				return usage(errors.New("what shall be replayed? Give --user, or --partition with --from and --to"))
			}
			if stretch && (f.partition < 0 || f.from < 0 || f.to <= f.from) {
				return usage(errors.New("a stretch is --partition N --from A --to B, of offsets with A before B"))
			}
			return withStore(cmd, s, func(store *projections.Store) error {
				if f.user != "" {
					return replayUser(cmd, s, store, &f)
				}
				return replayStretch(cmd, s, store, &f)
			})
		},
	}
	cmd.Flags().StringVar(&f.user, "user", "", "fold the events of the user of this `id`")
	cmd.Flags().Int32Var(&f.partition, "partition", -1, "fold a stretch of this `partition` of the activity topic")
	cmd.Flags().Int64Var(&f.from, "from", 0, "the `offset` at which the stretch begins")
	cmd.Flags().Int64Var(&f.to, "to", 0, "the `offset` before which it ends")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the result as JSON")
	cmd.AddCommand(newReplayList(s), newReplayDrop(s))
	return cmd
}

func withStore(cmd *cobra.Command, s *settings.Settings, f func(*projections.Store) error) error {
	store, err := projections.Open(cmd.Context(), s.Postgres, s.Group)
	if err != nil {
		return err
	}
	defer store.Close()
	return f(store)
}

func replayUser(cmd *cobra.Command, s *settings.Settings, store *projections.Store, f *replayFlags) error {
	o, err := replay.User(cmd.Context(), store, s.Brokers, f.user)
	if err != nil {
		return err
	}
	if f.json {
		err = printJSON(cmd.OutOrStdout(), o)
	} else {
		err = writeReplayed(cmd.OutOrStdout(), o)
	}
	if err == nil && len(o.Differences)+len(o.Untold) > 0 {
		err = errors.Newf("%q is not as the log has it: `badgestream repair --user` makes it so", f.user)
	}
	return err
}

func writeReplayed(out io.Writer, o *replay.OfUser) error {
	var b strings.Builder
	verdict := "equal"
	if len(o.Differences) > 0 {
		verdict = "differs"
	}
	fmt.Fprintf(&b, "%s  %d counters, %d members, %d things\n", verdict, o.Counters, o.Members, o.Things)
	for _, d := range o.Differences {
		fmt.Fprintf(&b, "  %s: live %s, replayed %s\n", d.What, d.Has, d.Want)
	}
	fmt.Fprintf(&b, "held: %s; %d awards and revocations on the way\n", strings.Join(o.Held, ", "), o.Awards)
	for _, slug := range o.Untold {
		fmt.Fprintf(&b, "  the history tells otherwise of %s\n", slug)
	}
	for _, text := range o.Begins {
		fmt.Fprintf(&b, "The log has lost its beginning: %s\n", text)
	}
	fmt.Fprintf(&b, "%d records read in %.1f s; scratch generation %d is schema %s\n", o.Records, o.Seconds, o.Generation, o.Schema)
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "writing the result")
}

func replayStretch(cmd *cobra.Command, s *settings.Settings, store *projections.Store, f *replayFlags) error {
	o, err := replay.Stretch(cmd.Context(), store, s.Brokers, projections.TopicPartition{Topic: s.ActivityTopic, Partition: f.partition}, f.from, f.to)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), o)
	}
	text := fmt.Sprintf("%d records: %d events, %d duplicates, %d of unknown types, %d rejected, %d ticks\n%d users\nawarded: %s\nrevoked: %s\nscratch generation %d is schema %s\n",
		o.Records, o.Events, o.Duplicates, o.Unknown, o.Rejected, o.Ticks, o.Users, counted(o.Awarded), counted(o.Revoked), o.Generation, o.Schema)
	_, err = io.WriteString(cmd.OutOrStdout(), text)
	return errors.Wrap(err, "writing the result")
}

func counted(badges map[string]int64) string {
	if len(badges) == 0 {
		return "none"
	}
	var list []string
	for _, slug := range slices.Sorted(maps.Keys(badges)) {
		list = append(list, fmt.Sprintf("%s (%d)", slug, badges[slug]))
	}
	return strings.Join(list, ", ")
}
