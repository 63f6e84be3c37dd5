package main

import (
	"context"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/settings"
)

// execute runs one command line and returns the exit status.
func execute(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	redis.SetLogger(silent{}) // what it would print comes back as errors too
	var s settings.Settings
	root := newRoot(&s) //nolint:contextcheck // commands take theirs from cobra, as ExecuteContext gives it
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	return report(ctx, errOut, root.ExecuteContext(ctx), s.LogLevel)
}

// newRoot makes the command tree. The settings are filled in before a command
// runs.
func newRoot(s *settings.Settings) *cobra.Command {
	root := &cobra.Command{
		Use:   "badgestream",
		Short: "From a log of activity to badges, exactly once",
		Long: `badgestream folds a Kafka topic of activity events into counters in Postgres,
publishes a badge event for every badge that is awarded or revoked, exactly
once, and keeps every user's progress in Redis, one GET away.

Every command takes the global flags. Each of them is also an environment
variable (--activity-topic is BADGESTREAM_ACTIVITY_TOPIC) and a key of the
config file (activity-topic); a flag wins over the environment, the environment
over the file. The defaults are the addresses of ` + "`badgestream dev`" + `.`,
		Example: `  badgestream dev                      everything embedded, with traffic to watch
  badgestream progress mira            one user's badges, in a second terminal
  badgestream badges --follow          badge events as they happen
  badgestream run --brokers kafka:9092 --postgres postgres://… --redis redis://…`,
		Version:       version(),
		Args:          noSubcommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return usage(settings.Resolve(cmd.Root().PersistentFlags(), os.LookupEnv))
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetVersionTemplate("badgestream {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().SortFlags = false
	s.Bind(root.PersistentFlags())
	root.AddCommand(
		newDev(s),
		newInit(s),
		newRun(s),
		newSimulate(s),
		newProduce(s),
		newLoad(s),
		newBench(s),
		newBadges(s),
		newProgress(s),
		newExplain(s),
		newGrant(s),
		newRevoke(s),
		newRelease(s),
		newPin(s),
		newUnpin(s),
		newErase(s),
		newDLQ(s),
		newAudit(s),
		newRebuild(s),
		newReplay(s),
		newRepair(s),
	)
	return root
}

// silent is a logger for go-redis, which has one for the whole process.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// version is what the build knows of itself: the module's version, or the
// commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	var revision, modified string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "modified"
		}
	}
	return strings.Join(strings.Fields("devel "+revision+" "+modified), " ")
}
