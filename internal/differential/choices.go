// Package differential draws catalogues and logs at random, so that tests can
// hold the engine's fold against the oracle's recount on all that the catalogue
// language can say. It knows neither of the two.
package differential

import "math/rand/v2"

// New gives the choices that a seed decides. As long as there are any, they
// are taken from bytes first, one for each, so that a fuzzer which changes a
// byte changes one choice.
func New(seed uint64, first []byte) *rand.Rand {
	return rand.New(&choices{first: first, rest: rand.NewPCG(seed, 5)})
}

type choices struct {
	first []byte
	rest  *rand.PCG
}

// Uint64 repeats a byte in all places, as small numbers are drawn from high
// bits or from low ones.
func (c *choices) Uint64() uint64 {
	if len(c.first) == 0 {
		return c.rest.Uint64()
	}
	b := c.first[0]
	c.first = c.first[1:]
	return uint64(b) * 0x0101010101010101
}

// odds is true in so many of a hundred cases.
func odds(rng *rand.Rand, percent int) bool { return rng.IntN(100) < percent }

// one picks one of a list.
func one[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }
