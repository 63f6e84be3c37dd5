package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/badgestream/badgestream/internal/settings"
)

// The exit statuses beside 0.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // as shells have it for SIGINT
)

// usageError is a command line, environment or config file that is wrong.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// report prints an error once, as a sentence, and gives the exit status. The
// way that it came is for --log-level debug alone.
func report(ctx context.Context, out io.Writer, err error, level slog.Level) int {
	if err == nil {
		return 0
	}
	switch {
	case level <= slog.LevelDebug:
		tell(out, "badgestream: %+v\n", err)
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		tell(out, "badgestream: interrupted\n")
	default:
		tell(out, "badgestream: %s\n", err)
	}
	switch {
	case errors.HasType(err, usageError{}):
		return exitUsage
	case ctx.Err() != nil:
		return exitInterrupted
	}
	return exitFailure
}

// tell writes to standard error. Who cannot be told there cannot be told that
// either.
func tell(out io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(out, format, args...)
}

// noSubcommand refuses words after the bare command that name no command.
func noSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	return usage(errors.Newf("there is no command %q: %s", args[0], settings.DidYouMean(args[0], known)))
}

// noArguments refuses words that a command has no use for.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(errors.Newf("`%s` takes no arguments, only flags, but %q was given", cmd.CommandPath(), args[0]))
	}
	return nil
}

// flagError says in a sentence which flag is wrong.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var lacking *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		if best := settings.Closest(name, flagNames(cmd)); best != "" && unknown.GetSpecifiedShortnames() == "" {
			return usage(errors.Newf("there is no flag --%s: did you mean --%s?", name, best))
		}
		return usage(errors.Newf("there is no flag %s: `%s --help` lists them", flagAsGiven(unknown), cmd.CommandPath()))
	case errors.As(err, &invalid):
		return usage(errors.Newf("--%s: %s", invalid.GetFlag().Name, reason(invalid)))
	case errors.As(err, &lacking):
		return usage(errors.Newf("--%s needs a value", lacking.GetSpecifiedName()))
	}
	return usage(err)
}

func flagAsGiven(e *pflag.NotExistError) string {
	if e.GetSpecifiedShortnames() != "" {
		return "-" + e.GetSpecifiedName()
	}
	return "--" + e.GetSpecifiedName()
}

// reason is what a flag's own check says; of pflag's numbers and switches, what
// they want.
func reason(e *pflag.InvalidValueError) string {
	switch kind := e.GetFlag().Value.Type(); kind {
	case "int", "int64", "uint64":
		return fmt.Sprintf("%q is no whole number", e.GetValue())
	case "float64":
		return fmt.Sprintf("%q is no number", e.GetValue())
	case "bool":
		return fmt.Sprintf("%q is neither true nor false", e.GetValue())
	}
	return strings.TrimSpace(e.Unwrap().Error())
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
