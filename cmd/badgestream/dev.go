package main

import (
	"context"
	"io"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/internal/web"
)

// devFlags are those of dev alone.
type devFlags struct {
	dataDir   string
	noTraffic bool
	rate      float64
	users     int
}

func newDev(s *settings.Settings) *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Everything embedded, with traffic to watch",
		Long: `dev starts a Kafka, a Postgres and a Redis of its own, runs the engine, plays a
community of stargazers, and shows what comes of it. Nothing needs to be
installed. The servers listen on this machine alone, at the addresses that are
every other command's defaults, so those work in a second terminal.

All data stay in --data-dir: the next start goes on where this one stopped.`,
		Example: `  badgestream dev
  badgestream dev --rate 2000 --users 5000
  badgestream dev --no-traffic --catalog mine.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return dev(cmd, s, f) },
	}
	cmd.Flags().StringVar(&f.dataDir, "data-dir", "", "`directory` of all data (default: in the user's cache, or /var/cache/badgestream for root)")
	cmd.Flags().BoolVar(&f.noTraffic, "no-traffic", false, "play nothing: events come from elsewhere")
	cmd.Flags().Float64Var(&f.rate, "rate", 300, "events a second, on average")
	cmd.Flags().IntVar(&f.users, "users", 500, "how many users the community has")
	return cmd
}

func dev(cmd *cobra.Command, s *settings.Settings, f devFlags) (err error) {
	if f.rate <= 0 || f.users < 2 {
		return usage(errors.New("--rate must be above 0 and --users at least 2; --no-traffic plays nothing"))
	}
	cat, err := catalog.Load(s.Catalog)
	if err != nil {
		return err
	}
	if f.dataDir == "" {
		if f.dataDir, err = devstack.DefaultDir(); err != nil {
			return err
		}
	}
	ctx, screen := cmd.Context(), newScreen(cmd.OutOrStdout())
	stack, err := startDevServers(ctx, s, f.dataDir, screen)
	if err != nil {
		return err
	}
	// From here on the settings name what was started.
	here := *s
	here.Brokers, here.Postgres, here.Redis = stack.Brokers, stack.PostgresURL, stack.RedisURL
	d := &devSession{
		settings: &here, flags: f, catalog: cat, screen: screen,
		hints: newHints(ctx, &here, cmd.Root().PersistentFlags(), cat),
	}
	sum, err := d.run(ctx, cmd.ErrOrStderr())
	if err = errors.CombineErrors(err, stopDevServers(ctx, stack)); err != nil {
		return err
	}
	return screen.say("Stopped after %s events, %s badges awarded and %s revoked. All is kept in %s: the same command goes on from there, and without the directory it starts afresh.\n",
		grouped(sum.Events), grouped(sum.Awarded), grouped(sum.Revoked), f.dataDir)
}

// devSession is what runs between the servers' start and their stop.
type devSession struct {
	settings *settings.Settings
	flags    devFlags
	catalog  *catalog.Catalog
	tel      *telemetry.Telemetry
	screen   *screen
	hints    hints
}

// run runs everything until the context ends or a part fails. Traffic and view
// end first, then the engine, which finishes what it has in hand.
func (d *devSession) run(ctx context.Context, errOut io.Writer) (sum pipeline.Summary, err error) {
	closeLog, err := d.openLog(ctx, errOut)
	if err != nil {
		return sum, err
	}
	defer closeLog(&err)
	cfg := engineConfig(d.settings)
	if err := pipeline.Init(ctx, cfg, d.catalog, d.tel.Log); err != nil {
		return sum, err
	}
	engine, stopEngine := context.WithCancel(context.WithoutCancel(ctx))
	defer stopEngine()
	ended := make(chan error, 1)
	go func() {
		defer stopEngine()
		var err error
		sum, err = pipeline.Run(engine, cfg, d.catalog, d.tel)
		ended <- err
	}()
	err = d.front(ctx, engine)
	said := d.screen.say("Stopping: the traffic has ended, now the engine, then the servers.\n")
	stopEngine()
	// The engine's own error says more than that it stopped.
	if failed := <-ended; failed != nil {
		return sum, failed
	}
	return sum, errors.CombineErrors(err, said)
}

// front runs what stands before the engine, until the context ends or the
// engine does.
func (d *devSession) front(ctx, engine context.Context) error {
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error {
		select {
		case <-running.Done():
			return nil
		case <-engine.Done():
			return errors.New("the engine has stopped; the log says why")
		}
	})
	w := newWatch(d)
	group.Go(func() error { return w.followBadges(running) })
	group.Go(func() error { return w.countUsers(running) })
	group.Go(func() error { return d.screen.show(running, w) })
	if d.plays() {
		group.Go(func() error { return d.play(running) })
	}
	if d.settings.HTTP != "" {
		group.Go(func() error {
			return web.Serve(running, d.settings.HTTP, web.Handler(d.tel.Health, d.tel.Handler()), d.tel.Log)
		})
	}
	return group.Wait()
}

// stopLimit bounds the servers' stop.
const stopLimit = 20 * time.Second

func stopDevServers(ctx context.Context, stack *devstack.Stack) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	return stack.Stop(limited)
}
