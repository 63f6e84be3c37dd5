package simtest

import (
	"bytes"
	"flag"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

var (
	oneSeed   = flag.Uint64("sim.seed", 0, "play this seed alone, and print what happens")
	firstSeed = flag.Uint64("sim.first", 1, "the first seed to play")
	seeds     = flag.Int("sim.seeds", 150, "how many seeds to play")
)

// shortSeeds are as many as a short run plays, as the one with the race detector.
const shortSeeds = 20

// patient is how long a seed may take, in real time.
const patient = 60 * time.Second

// TestSimulation plays seeds, each with other faults, and wants all promises
// to be kept.
func TestSimulation(t *testing.T) {
	first, n := *firstSeed, *seeds
	if testing.Short() {
		n = min(n, shortSeeds)
	}
	if *oneSeed != 0 {
		first, n = *oneSeed, 1
	}
	for i := range uint64(n) {
		t.Run(fmt.Sprint(first+i), func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			go func() {
				defer close(done)
				play(t, NewPlan(first+i))
			}()
			select {
			case <-done:
			case <-time.After(patient):
				stopped(t)
			}
		})
	}
}

func play(t *testing.T, plan *Plan) {
	synctest.Test(t, func(t *testing.T) {
		r, err := Run(t.Context(), plan)
		if err != nil {
			t.Errorf("seed %d: %v", plan.Seed, err)
			return
		}
		if *oneSeed != 0 || len(r.Failures) > 0 {
			t.Log(r.Trace)
		}
		for _, f := range r.Failures {
			t.Errorf("seed %d: %s", plan.Seed, f)
		}
		t.Logf("%d events, %d badges, %d deaths, broker stuck: %t", r.Events, r.Badges, r.Deaths, r.Stuck)
	})
}

// stopped skips a seed in whose bubble time stands still. franz-go keeps a join
// from running beside a commit by a mutex, and holds it while it waits for an
// answer; in a bubble, time does not pass while anybody waits for a mutex. What
// else takes so long is a failure.
func stopped(t *testing.T) {
	t.Helper()
	stacks := make([]byte, 64<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, goroutine := range bytes.Split(stacks, []byte("\n\n")) {
		if bytes.Contains(goroutine, []byte("[sync.RWMutex.Lock, ")) && bytes.Contains(goroutine, []byte("(*groupConsumer).joinAndSync")) {
			t.Skip("time stands still: franz-go waits for an answer with a mutex held")
		}
	}
	t.Errorf("the seed takes more than %v\n%s", patient, stacks[:min(len(stacks), 200_000)])
}
