// Command fuzz runs every native fuzz target of the module for a while, one
// after the other, and says how many inputs each has tried:
//
//	go run ./internal/faults/cmd/fuzz --each 1m
//
// It finds the targets itself. An input that fails is kept by the go command
// in the package's testdata/fuzz, where go test tries it from then on.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	each := flag.Duration("each", time.Minute, "how long each target is fuzzed")
	only := flag.String("only", "", "fuzz the targets alone whose package and name contain this `text`")
	list := flag.Bool("list", false, "print the targets, and fuzz nothing")
	flag.Parse()
	if err := run(ctx, os.Stdout, *each, *only, *list); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, each time.Duration, only string, list bool) error {
	all, err := targets(ctx)
	if err != nil {
		return err
	}
	var failed []string
	tried := 0
	for _, t := range all {
		if !strings.Contains(t.String(), only) {
			continue
		}
		tried++
		if list {
			fmt.Fprintln(out, t)
			continue
		}
		o := t.fuzz(ctx, each)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintf(out, "| %s | %d | %s | %s |\n", t, o.executions, o.took.Round(time.Second), o.verdict())
		if o.err != nil {
			fmt.Fprintf(out, "%s\n", o.output)
			failed = append(failed, t.String())
		}
	}
	switch {
	case tried == 0:
		return errors.Newf("no target's package and name contain %q: --list shows them", only)
	case len(failed) > 0:
		return errors.Newf("%d of %d targets fail: %s", len(failed), tried, strings.Join(failed, ", "))
	}
	return nil
}
