package main

import (
	"encoding/json"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/bench"
	"github.com/badgestream/badgestream/internal/bench/plain"
	"github.com/badgestream/badgestream/internal/settings"
)

// newBenchPlain is the plain consumer as a process of its own, so that its CPU
// time and memory are its own as well. It leaves its tables behind.
func newBenchPlain(s *settings.Settings) *cobra.Command {
	cfg := plain.Config{}
	cmd := &cobra.Command{
		Use:    "plain",
		Short:  "The plain consumer alone, over the activity topic",
		Hidden: true,
		Args:   noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Brokers, cfg.Postgres, cfg.Redis = s.Brokers, s.Postgres, s.Redis
			cfg.Group, cfg.Topic, cfg.AwardTopic, cfg.Partitions = s.Group, s.ActivityTopic, s.AwardTopic, s.Partitions
			sum, err := plain.Run(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			return errors.Wrap(json.NewEncoder(cmd.OutOrStdout()).Encode(bench.Report{
				Events: sum.Events, Users: sum.Users, Awarded: sum.Awarded, Seconds: sum.Seconds, Batches: bench.NewSpread(sum.Polls),
			}), "writing the summary")
		},
	}
	cmd.Flags().Int64Var(&cfg.Events, "events", 20_000, "how many events to consume")
	cmd.Flags().IntVar(&cfg.Lanes, "lanes", 8, "how many are applied at the same time")
	cmd.Flags().IntVar(&cfg.Poll, "poll", 500, "the most records of one poll")
	return cmd
}
