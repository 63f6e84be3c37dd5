// Command longrun lets three engine processes fold a stream of events on real
// servers that it starts, does to them for a while whatever a seed draws, and
// asks the oracle all along and at the end whether anything was lost, doubled
// or wrong:
//
//	go run ./internal/faults/cmd/longrun --minutes 20 --seed 7
//
// It prints what happens and ends with status 1 if any check did not hold. The
// seed repeats the schedule: what is done to whom, and after which pause. How
// processes and servers interleave meanwhile is theirs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	cfg := config{log: os.Stdout}
	minutes := flag.Float64("minutes", 20, "how long it runs")
	flag.Uint64Var(&cfg.seed, "seed", uint64(time.Now().Unix()), "what the schedule and the events are drawn from")
	flag.IntVar(&cfg.rate, "rate", 200, "events a second")
	flag.DurationVar(&cfg.round, "round", 2*time.Minute, "how long faults go on before everything is let come to rest and audited")
	flag.Parse()
	cfg.length = time.Duration(*minutes * float64(time.Minute))
	status := 0
	if err := run(ctx, cfg); err != nil {
		fmt.Fprintln(os.Stderr, "longrun:", err)
		status = 1
	}
	os.Exit(status)
}
