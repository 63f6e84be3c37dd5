package main

import (
	"fmt"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/settings"
)

func newInit(s *settings.Settings) *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Make topics, tables and the stored catalogue, and nothing else",
		Long: `init makes what ` + "`badgestream run`" + ` would make when it starts: the topics, the
schema in Postgres and the stored catalogue. What is there stays as it is, so it
can be run again at any time.`,
		Example: `  badgestream init
  badgestream init --partitions 12 --catalog mine.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cat, err := catalog.Load(s.Catalog)
			if err != nil {
				return err
			}
			tel, shutdown, err := openTelemetry(cmd.Context(), s, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer shutdown(&err)
			if err := pipeline.Init(cmd.Context(), engineConfig(s), cat, tel.Log); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "ready: topics %s, %s, %s, %s.ledger and %s.control, schema %s and catalogue %s\n",
				s.ActivityTopic, s.AwardTopic, s.DeadLetterTopic, s.Group, s.Group, s.Group, cat.Name)
			return errors.Wrap(err, "writing to standard output")
		},
	}
}
