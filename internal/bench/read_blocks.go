package bench

import (
	"context"
	"runtime"
	"time"

	"github.com/cockroachdb/errors"
)

// way is one way to read a user's progress. It says so if what it got is not
// what was asked for.
type way struct {
	name string
	read func(ctx context.Context, user string) error
}

// blocks says how reads are timed: each way has so many blocks, each of so many
// reads, and some before them that do not count.
type blocks struct{ count, size, warm int }

// run times the ways in turn, one block each, and gives for each way the
// seconds per read of its blocks. A single read is too short for a clock that
// is read twice, and the machine's other work comes and goes: so blocks, and so
// all ways within the same moment, in an order that changes from turn to turn.
func (p blocks) run(ctx context.Context, ways []way, users []string) ([][]float64, error) {
	times := make([][]float64, len(ways))
	for turn := range p.warm + p.count {
		for k := range ways {
			n := (turn + zigzag(k, len(ways))) % len(ways)
			if turn/len(ways)%2 == 1 {
				n = len(ways) - 1 - n
			}
			seconds, err := ways[n].block(ctx, users, p.size)
			if err != nil {
				return nil, errors.Wrapf(err, "read by %s", ways[n].name)
			}
			if turn >= p.warm {
				times[n] = append(times[n], seconds)
			}
		}
	}
	return times, nil
}

// zigzag goes 0, 1, n-1, 2, n-2, …: the steps between neighbours all differ, so
// that each neighbours each other once the start has gone round. An odd n needs
// the mirror image for that.
func zigzag(k, n int) int {
	if k%2 == 1 {
		return (k + 1) / 2
	}
	return (n - k/2) % n
}

// block reads users in turn, and gives the seconds per read. It pays for its
// own garbage and not for that of the block before it.
func (w *way) block(ctx context.Context, users []string, size int) (float64, error) {
	runtime.GC()
	began := time.Now()
	for i := range size {
		if err := w.read(ctx, users[i%len(users)]); err != nil {
			return 0, err
		}
	}
	return time.Since(began).Seconds() / float64(size), nil
}
