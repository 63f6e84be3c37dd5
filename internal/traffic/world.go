// Package traffic makes believable Starview activity for samples, loads and
// demonstrations: users register, find places, review them, vote, comment and
// follow, and now and then take something back. It is the one package beside
// the catalogues and the tests that knows Starview.
package traffic

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"github.com/cockroachdb/errors"
)

// Config says what world to make.
type Config struct {
	Seed  uint64
	Users int // how many there are; at least 2
	// Skew is how uneven the users' activity is: 0 for even, or the exponent of
	// Zipf's law, above 1.
	Skew float64
}

// World is a community. One seed gives one history. The history is
// self-consistent: what is reviewed, voted on or deleted was there, and nobody
// votes on his own review.
type World struct {
	rng    *rand.Rand
	zipf   *rand.Zipf
	stride uint64
	users  []user
	ids    [16]byte // the seed, and the number of events so far

	locations []location
	reviews   []review
	reviewed  map[[2]int32]struct{} // user, location

	// Recent additions, so that a removal is of one of them.
	visits, votes, follows, comments, photos recent
	commentCount, photoCount                 int32

	// A newcomer's first steps wait here and come before anything else.
	ahead []Event
}

type user struct{ registered bool }

type location struct {
	owner   int32
	deleted bool
}

type review struct {
	author, location int32
	deleted          bool
}

// New makes a world without history.
func New(cfg Config) (*World, error) {
	if cfg.Users < 2 {
		return nil, errors.Newf("%d users make no community: it takes 2", cfg.Users)
	}
	if cfg.Skew != 0 && !(cfg.Skew > 1 && cfg.Skew <= 10) {
		return nil, errors.Newf("a skew of %g cannot be made: it is 0 (even), or above 1 and up to 10 (Zipf)", cfg.Skew)
	}
	w := &World{
		rng:      rand.New(rand.NewPCG(cfg.Seed, 0xBAD6E57AEA11)),
		users:    make([]user, cfg.Users),
		stride:   strideFor(uint64(cfg.Users)),
		reviewed: map[[2]int32]struct{}{},
	}
	binary.BigEndian.PutUint64(w.ids[:8], cfg.Seed)
	if cfg.Skew > 0 {
		w.zipf = rand.NewZipf(w.rng, cfg.Skew, 1, uint64(cfg.Users-1))
	}
	return w, nil
}

// strideFor gives a number without a common divisor: it spreads the busiest
// users over all names.
func strideFor(n uint64) uint64 {
	for s := uint64(2_654_435_761); ; s++ {
		if divisor(s, n) == 1 {
			return s
		}
	}
}

func divisor(a, b uint64) uint64 {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// Next makes the next event, as of the given instant in Unix microseconds.
func (w *World) Next(at int64) Event {
	var e Event
	if len(w.ahead) > 0 {
		e, w.ahead = w.ahead[0], w.ahead[1:]
	} else {
		e = w.act(w.pick())
	}
	e.Time, e.ID = at, w.nextID()
	return e
}

// nextID is a UUID's shape: the seed and the event's number.
func (w *World) nextID() string {
	binary.BigEndian.PutUint64(w.ids[8:], binary.BigEndian.Uint64(w.ids[8:])+1)
	var b [36]byte
	hex.Encode(b[:8], w.ids[:4])
	hex.Encode(b[9:13], w.ids[4:6])
	hex.Encode(b[14:18], w.ids[6:8])
	hex.Encode(b[19:23], w.ids[8:10])
	hex.Encode(b[24:], w.ids[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// pick says who acts next.
func (w *World) pick() int32 {
	if w.zipf == nil {
		return w.rng.Int32N(int32(len(w.users)))
	}
	return int32(w.zipf.Uint64() * w.stride % uint64(len(w.users)))
}

// recent remembers the latest things of a kind.
type recent struct {
	kept []([3]int32)
	next int
}

const remembered = 4096

func (r *recent) add(a, b, c int32) {
	if len(r.kept) < remembered {
		r.kept = append(r.kept, [3]int32{a, b, c})
		return
	}
	r.kept[r.next] = [3]int32{a, b, c}
	r.next = (r.next + 1) % remembered
}

// take forgets one at random and gives it.
func (r *recent) take(rng *rand.Rand) (t [3]int32, ok bool) {
	if len(r.kept) == 0 {
		return t, false
	}
	i, last := rng.IntN(len(r.kept)), len(r.kept)-1
	t, r.kept[i] = r.kept[i], r.kept[last]
	r.kept = r.kept[:last]
	r.next = 0
	return t, true
}
