package main

import (
	"bufio"
	"context"
	"io"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/feed"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/internal/traffic"
)

// loadFlags are those of load alone.
type loadFlags struct {
	events int64
	world  traffic.Config
	rate   float64
	start  string
	step   time.Duration
	out    string
}

func newLoad(s *settings.Settings) *cobra.Command {
	f := loadFlags{}
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Make synthetic Starview traffic, to Kafka or to a file",
		Long: `load plays a community of stargazers: they register, visit and add places,
review them, vote, comment and follow, and now and then take something back.
Everything acted upon was there before. The same seed, users and skew give the
same events.

Without --out the events go to the activity topic, in binary mode; with it they
are written as structured CloudEvents, one JSON a line.`,
		Example: `  badgestream load --events 1000000 --users 100000 --skew 1.1
  badgestream load --events 0 --rate 200            until Ctrl-C
  badgestream load --events 10000 --seed 7 --out events.ndjson`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return load(cmd, s, f) },
	}
	cmd.Flags().Int64Var(&f.events, "events", 100_000, "how many events; 0 goes on until it is interrupted")
	cmd.Flags().IntVar(&f.world.Users, "users", 10_000, "how many users there are")
	cmd.Flags().Float64Var(&f.world.Skew, "skew", 0, "how uneven their activity is: 0 is even, above 1 is the exponent of Zipf's law")
	cmd.Flags().Float64Var(&f.rate, "rate", 0, "the most events a second; 0 is as many as go")
	cmd.Flags().Uint64Var(&f.world.Seed, "seed", 1, "which history to play")
	cmd.Flags().StringVar(&f.start, "start", "2026-01-01T00:00:00Z", "`time` of the first event, RFC 3339")
	cmd.Flags().DurationVar(&f.step, "step", 20*time.Millisecond, "time from one event to the next")
	cmd.Flags().StringVar(&f.out, "out", "", "`file` to write to in place of Kafka, or - for standard output")
	return cmd
}

// sink takes the events one after another. Its end settles them.
type sink struct {
	send func(number int64, e *traffic.Event) error
	end  func() error
	name string
}

func load(cmd *cobra.Command, s *settings.Settings, f loadFlags) error {
	start, err := time.Parse(time.RFC3339Nano, f.start)
	switch {
	case err != nil:
		return usage(errors.Newf("--start: %q is no RFC 3339 time such as 2026-01-01T00:00:00Z", f.start))
	case f.events < 0 || f.rate < 0:
		return usage(errors.New("--events and --rate must not be negative"))
	}
	world, err := traffic.New(f.world)
	if err != nil {
		return usage(err)
	}
	to, err := openSink(cmd, s, f)
	if err != nil {
		return err
	}
	ctx, began, n := cmd.Context(), time.Now(), int64(0)
	progress := newBar(cmd.ErrOrStderr(), f.events)
	for ; (f.events == 0 || n < f.events) && ctx.Err() == nil; n++ {
		e := world.Next(start.Add(time.Duration(n) * f.step).UnixMicro())
		if err = to.send(n+1, &e); err != nil {
			break
		}
		progress.show(n+1, n+1)
	}
	progress.clear()
	if ended := to.end(); err == nil || ctx.Err() != nil {
		err = ended
	}
	if err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	tell(cmd.ErrOrStderr(), "%d events to %s in %.1f s (%.0f/s)\n", n, to.name, took, float64(n)/max(took, 0.001))
	if ctx.Err() != nil && f.events != 0 {
		return errors.Newf("interrupted after %d of %d events", n, f.events)
	}
	return nil
}

func openSink(cmd *cobra.Command, s *settings.Settings, f loadFlags) (*sink, error) {
	if f.out == "" {
		sender, err := feed.OpenSender(cmd.Context(), s.Brokers, s.ActivityTopic, f.rate)
		if err != nil {
			return nil, err
		}
		return &sink{name: "topic " + s.ActivityTopic,
			send: func(number int64, e *traffic.Event) error {
				return sender.Send(cmd.Context(), number, feed.Traffic(e))
			},
			end: func() error {
				defer sender.Close()
				return sender.Finish()
			}}, nil
	}
	if f.out == "-" {
		return fileSink(cmd.Context(), "standard output", f.rate, cmd.OutOrStdout(), func(*error) {}), nil
	}
	out, closeOut, err := createOutput(f.out)
	if err != nil {
		return nil, err
	}
	return fileSink(cmd.Context(), f.out, f.rate, out, closeOut), nil
}

func fileSink(ctx context.Context, name string, rate float64, file io.Writer, closeFile func(*error)) *sink {
	out, pace, line := bufio.NewWriterSize(file, 1<<20), feed.NewPace(rate), []byte(nil)
	return &sink{name: name,
		send: func(_ int64, e *traffic.Event) error {
			if err := pace.Wait(ctx); err != nil {
				return err
			}
			line = append(e.AppendStructured(line[:0]), '\n')
			_, err := out.Write(line)
			return errors.Wrapf(err, "writing %s", name)
		},
		end: func() (err error) {
			defer closeFile(&err)
			return errors.Wrapf(out.Flush(), "writing %s", name)
		}}
}
