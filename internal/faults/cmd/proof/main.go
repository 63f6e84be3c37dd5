// Command proof runs the engine into every one of its crash points, on real
// servers that it starts, and says what became of it:
//
//	go run ./internal/faults/cmd/proof --full --seed 1 --markdown proof.md
//
// Without --full it does what CI does: a kill at each point, and each other
// fault once for each server.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/badgestream/badgestream/internal/faults/crash"
	"github.com/cockroachdb/errors"
)

// options are what the flags say.
type options struct {
	full     bool
	only     string
	seed     uint64
	sample   int
	parallel int
	markdown string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	var o options
	flag.BoolVar(&o.full, "full", false, "every fault at every point, all ordered pairs of kills, and a sample of all other pairs")
	flag.StringVar(&o.only, "only", "", "run the cases alone whose names contain this `text`")
	flag.Uint64Var(&o.seed, "seed", 1, "what the events and the sample are drawn from")
	flag.IntVar(&o.sample, "sample", 300, "how many other pairs are drawn")
	flag.IntVar(&o.parallel, "parallel", 4, "how many cases run at the same time")
	flag.StringVar(&o.markdown, "markdown", "", "`file` to write the table of outcomes to")
	flag.Parse()
	status := 0
	if err := run(ctx, &o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "proof:", err)
		status = 1
	}
	os.Exit(status)
}

func run(ctx context.Context, o *options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "badgestream-proof-")
	if err != nil {
		return errors.Wrap(err, "make a directory for the servers")
	}
	defer func() { err = errors.CombineErrors(err, os.RemoveAll(dir)) }()
	binary, err := crash.Build(ctx, dir)
	if err != nil {
		return err
	}
	stack, err := devstack.StartAll(ctx, devstack.Options{Dir: filepath.Join(dir, "servers"), Real: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.CombineErrors(err, stack.Stop(context.WithoutCancel(ctx))) }()
	fmt.Fprintf(os.Stderr, "%s\nseed %d\n", strings.Join(stack.Descriptions(), "\n"), o.seed)
	runner, err := crash.NewRunner(ctx, crash.Servers{Brokers: stack.Brokers, Postgres: stack.PostgresURL, Redis: stack.RedisURL, Prefix: "proof"}, binary)
	if err != nil {
		return err
	}
	defer runner.Close()
	report := crash.NewReport(o.seed)
	cases := o.cases()
	runner.RunAll(ctx, cases, o.parallel, func(r crash.Result) {
		report.Add(r)
		fmt.Fprintf(os.Stderr, "%4d of %d  %6.1f s  %s\n", report.Len(), len(cases), r.Took.Seconds(), r.Line())
	})
	if _, err := io.WriteString(out, report.Summary()); err != nil {
		return errors.Wrap(err, "print the summary")
	}
	if o.markdown != "" {
		if err := os.WriteFile(o.markdown, []byte(report.Markdown()), 0o644); err != nil {
			return errors.Wrap(err, "write the table")
		}
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return report.Err()
}

// cases are those that the flags ask for.
func (o *options) cases() []crash.Case {
	all := crash.Cheap(o.seed)
	if o.full {
		all = append(crash.Singles(o.seed), crash.OtherPairs(o.seed, o.sample)...)
		all = append(all, crash.Settlings(o.seed)...)
		all = append(all, crash.KillPairs(o.seed)...)
	}
	kept := all[:0]
	for _, c := range all {
		if strings.Contains(c.String(), o.only) {
			kept = append(kept, c)
		}
	}
	return kept
}
