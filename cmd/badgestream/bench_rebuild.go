package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/badgestream/badgestream/internal/bench"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections"
)

// newBenchRebuild is a rebuild as a process of its own, so that its CPU time and
// memory are its own as well. It leaves its tables behind.
func newBenchRebuild(s *settings.Settings) *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:    "rebuild",
		Short:  "A rebuild alone, until it has caught up",
		Hidden: true,
		Args:   noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			limitMemory(runMemory)
			stopProfile, err := profileCPU(profile)
			if err != nil {
				return err
			}
			defer stopProfile(&err)
			return withRebuilder(cmd, s, func(ctx context.Context, r *pipeline.Rebuilder) error {
				began := time.Now()
				if _, err := r.Start(ctx, pipeline.Request{}); err != nil {
					return err
				}
				status, err := workUntilFollowing(ctx, r)
				if err != nil {
					return err
				}
				report := bench.Report{Events: status.Records, Seconds: time.Since(began).Seconds()}
				return errors.Wrap(json.NewEncoder(cmd.OutOrStdout()).Encode(report), "writing the summary")
			})
		},
	}
	cmd.Flags().StringVar(&profile, "cpu-profile", "", "`file` to write a CPU profile to")
	return cmd
}

// workUntilFollowing folds the generation beside the live one until it has
// caught up.
func workUntilFollowing(ctx context.Context, r *pipeline.Rebuilder) (status *pipeline.Status, err error) {
	working, stop := context.WithCancel(ctx)
	defer stop()
	group, working := errgroup.WithContext(working)
	group.Go(func() error { return r.Work(working) })
	group.Go(func() error {
		defer stop()
		for working.Err() == nil {
			if status, err = r.Status(working); err != nil || status.State == projections.Following {
				return err
			}
			if status.Trouble != "" {
				return errors.Newf("generation %d cannot be folded on: %s", status.Generation, status.Trouble)
			}
			pause(working, 100*time.Millisecond)
		}
		return working.Err()
	})
	return status, group.Wait()
}
