// Command mutants makes mistakes in copies of the engine's sources, one at a
// time, and wants tests to fail at each:
//
//	go run ./internal/faults/cmd/mutants --markdown docs/reliability.md
//	go run ./internal/faults/cmd/mutants --only 'offset|commit'
//
// Tests that fail without a mutant, a mutant that does not compile, one whose
// text the sources have no more, and one that survives end it with status 1.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/badgestream/badgestream/internal/faults/mutants"
	"github.com/cockroachdb/errors"
)

// options are what the flags say.
type options struct {
	only     string
	jobs     int
	limit    time.Duration
	list     bool
	markdown string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	var o options
	flag.StringVar(&o.only, "only", "", "run the mutants alone whose names match this regular `expression`")
	flag.IntVar(&o.jobs, "jobs", 1, "how many mutants run at the same time")
	flag.DurationVar(&o.limit, "limit", 10*time.Minute, "how long the tests of one mutant may take")
	flag.BoolVar(&o.list, "list", false, "print the mutants, and run none")
	flag.StringVar(&o.markdown, "markdown", "", "`file` whose table is brought up to date, as docs/reliability.md")
	flag.Parse()
	status := 0
	if err := run(ctx, &o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		status = 1
	}
	os.Exit(status)
}

func run(ctx context.Context, o *options, out io.Writer) (err error) {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return errors.Wrap(err, "--only")
	}
	var list []mutants.Mutant
	for _, m := range mutants.All() {
		if only.MatchString(m.Name) {
			list = append(list, m)
		}
	}
	switch {
	case len(list) == 0:
		return errors.Newf("no mutant's name matches %q: see --list", o.only)
	case o.jobs < 1:
		return errors.Newf("--jobs is %d: at least 1 runs at a time", o.jobs)
	case o.list:
		for i := range list {
			fmt.Fprintf(out, "%s: %s\n", list[i].Name, list[i].Why)
		}
		return nil
	}
	dir, err := os.MkdirTemp("", "badgestream-mutants-")
	if err != nil {
		return errors.Wrap(err, "make a directory for copies of the sources")
	}
	defer func() { err = errors.CombineErrors(err, os.RemoveAll(dir)) }()
	runner, err := prepare(ctx, dir, o)
	if err != nil {
		return err
	}
	if err := runner.Baseline(ctx, list); err != nil {
		return err
	}
	return hunt(ctx, runner, list, o, out)
}

// prepare copies the sources, once for each job.
func prepare(ctx context.Context, dir string, o *options) (*mutants.Runner, error) {
	root, err := mutants.Root(ctx)
	if err != nil {
		return nil, err
	}
	runner := &mutants.Runner{Limit: o.limit, Log: func(text string) { fmt.Fprintln(os.Stderr, text) }}
	for job := range o.jobs {
		tree := filepath.Join(dir, fmt.Sprint(job))
		if err := mutants.Copy(ctx, root, tree); err != nil {
			return nil, err
		}
		runner.Trees = append(runner.Trees, tree)
	}
	return runner, nil
}

// hunt runs the mutants, prints what caught them, and keeps the table.
func hunt(ctx context.Context, runner *mutants.Runner, list []mutants.Mutant, o *options, out io.Writer) error {
	var results []mutants.Result
	var free []string
	var unkept error
	err := runner.Run(ctx, list, func(r mutants.Result) {
		results = append(results, r)
		if o.markdown != "" {
			unkept = errors.CombineErrors(unkept, keep(o.markdown, r))
		}
		if r.Err != nil {
			free = append(free, r.Mutant.Name)
			fmt.Fprintf(out, "%3d of %d  NOT CAUGHT  %v\n", len(results), len(list), r.Err)
			return
		}
		fmt.Fprintf(out, "%3d of %d  %5.1f s  %s: caught by %s: %s\n", len(results), len(list), r.Took.Seconds(), r.Mutant.Name, r.Test, r.Said)
	})
	if err := errors.CombineErrors(err, unkept); err != nil {
		return err
	}
	if len(free) > 0 {
		return errors.Newf("%d of %d mutants were not caught: %s", len(free), len(list), strings.Join(free, ", "))
	}
	fmt.Fprintf(out, "%d mutants, all caught\n", len(list))
	return nil
}

// keep brings the table up to date at once: what was seen stays, also if the run
// is broken off.
func keep(file string, result mutants.Result) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return errors.Wrap(err, "--markdown")
	}
	updated, err := mutants.Update(string(text), mutants.All(), []mutants.Result{result})
	if err != nil {
		return errors.Wrapf(err, "--markdown %s", file)
	}
	return errors.Wrap(os.WriteFile(file, []byte(updated), 0o644), "--markdown")
}
