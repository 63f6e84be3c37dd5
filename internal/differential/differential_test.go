package differential_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/differential"
)

var (
	firstSeed = flag.Uint64("drawn.first", 0, "the first seed to play")
	seeds     = flag.Uint64("drawn.seeds", 300, "how many seeds to play")
)

// play draws a catalogue and a log, and wants the engine, in batches of any
// size, and the oracle, one event at a time, to make the same of it: verdicts,
// rejects with their reasons, every badge event to the byte, users, members,
// things, places, snapshots and progress.
func play(t *testing.T, seed uint64, first []byte) *result {
	t.Helper()
	rng := differential.New(seed, first)
	file := differential.Catalog(rng)
	cat, err := catalog.Parse("drawn.yaml", []byte(file))
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	log := differential.Log(rng, cat, 20+rng.IntN(400), 1+rng.Int32N(4), false)
	oracle := count(t, cat, log)
	for _, most := range []int{1, 4, 60, 1000} {
		expectSame(t, fold(t, cat, log, rng, most), oracle)
		if t.Failed() {
			t.Fatalf("seed %d, in batches of up to %d, of\n%s%s", seed, most, file, text(log))
		}
	}
	return oracle
}

// TestEngineAgainstRecount plays seeds, and wants them to be worth it.
func TestEngineAgainstRecount(t *testing.T) {
	t.Parallel()
	var events, revoked, rejected, duplicates, ticks, users int
	for i := range *seeds {
		r := play(t, *firstSeed+i, nil)
		all := strings.Join(r.history, "\n")
		events += len(r.history)
		revoked += strings.Count(all, "badge.revoked")
		rejected += len(r.rejects)
		verdicts := strings.Join(r.verdicts, " ")
		duplicates += strings.Count(verdicts, "duplicate")
		ticks += strings.Count(verdicts, "tick")
		users += len(r.users)
	}
	t.Logf("%d badge events, %d of them revocations, %d rejects, %d duplicates, %d ticks, %d users", events, revoked, rejected, duplicates, ticks, users)
	if n := int(*seeds); events < 15*n || revoked < 3*n || rejected < 2*n || duplicates < 2*n || ticks < 2*n {
		t.Error("that proves too little")
	}
}

// FuzzEngineAgainstRecount plays any seed; the bytes are the first choices.
func FuzzEngineAgainstRecount(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, []byte{})
		f.Add(seed, []byte(fmt.Sprint("choices", seed)))
	}
	f.Fuzz(func(t *testing.T, seed uint64, first []byte) { play(t, seed, first) })
}
