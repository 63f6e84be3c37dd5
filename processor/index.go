package processor

import (
	"hash/maphash"
	"slices"
	"strings"
)

// index finds the dense number of a key among those added, by open
// addressing. The keys stand in their owner's slice: a map keyed by structs
// of strings costs about twice as much per event.
type index struct {
	slots  []int32 // number + 1; 0 is empty
	hashes []uint64
}

func (x *index) reset() {
	clear(x.slots)
	x.hashes = x.hashes[:0]
}

// find returns the number of the key with the hash for which same reports
// true, or adds it: its number is then len(hashes)-1.
func (x *index) find(hash uint64, same func(n int32) bool) (n int32, added bool) {
	if len(x.hashes)*2 >= len(x.slots) {
		x.grow()
	}
	mask := uint64(len(x.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := x.slots[i]
		if s == 0 {
			x.hashes = append(x.hashes, hash)
			x.slots[i] = int32(len(x.hashes))
			return int32(len(x.hashes) - 1), true
		}
		if n := s - 1; x.hashes[n] == hash && same(n) {
			return n, false
		}
	}
}

// truncate keeps the first n keys.
func (x *index) truncate(n int) {
	x.hashes = x.hashes[:n]
	clear(x.slots)
	x.fill()
}

func (x *index) grow() {
	x.slots = make([]int32, max(1024, 2*len(x.slots)))
	x.fill()
}

func (x *index) fill() {
	mask := uint64(len(x.slots) - 1)
	for n, h := range x.hashes {
		i := h & mask
		for x.slots[i] != 0 {
			i = (i + 1) & mask
		}
		x.slots[i] = int32(n + 1)
	}
}

// names numbers the users of a batch.
type names struct {
	index
	seed maphash.Seed
	all  []string
	rank []int32 // number → place in the order of the names
}

func (u *names) reset() {
	u.index.reset()
	clear(u.all)
	u.all = u.all[:0]
	u.rank = u.rank[:0]
}

func (u *names) number(name string, kept *texts) int32 {
	n, added := u.find(maphash.String(u.seed, name), func(n int32) bool { return u.all[n] == name })
	if added {
		u.all = append(u.all, kept.keep(name))
	}
	return n
}

// order sorts the names once all are known, so that rows are sorted by the
// rank of their user and rarely by the strings themselves.
func (u *names) order(dst []int32, s *sorter) []int32 {
	prefix := commonPrefix(u.all)
	s.start(len(u.all))
	for n, name := range u.all {
		s.add(prefixKey(name[prefix:]), int32(n))
	}
	sorted := s.into(dst, func(x, y int32) int { return strings.Compare(u.all[x], u.all[y]) })
	u.rank = slices.Grow(u.rank[:0], len(u.all))[:len(u.all)]
	for r, n := range sorted {
		u.rank[n] = int32(r)
	}
	return sorted
}
