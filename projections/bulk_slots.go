package projections

// slots is a hash table by open addressing of things that stand elsewhere and have
// numbers. A slot is a number + 1 in as many low bits as those need, 0 where it is
// empty; the rest of its bits are the hash's, so that hardly anything is looked at
// in vain.
type slots []uint32

const leastSlots = 1024

// seek gives the number of a thing whose hash may be h, at a place or after it, and
// where to go on; less than 0 if there is none. A search begins at the place h.
func (s slots) seek(h, at uint64) (n int, next uint64) {
	mask := uint64(len(s) - 1)
	sought := uint32(h>>32) &^ uint32(mask)
	for i := at & mask; s[i] != 0; i = (i + 1) & mask {
		if slot := s[i]; slot&^uint32(mask) == sought {
			return int(slot&uint32(mask)) - 1, i + 1
		}
	}
	return -1, 0
}

// full says that more than n things need a larger table.
func (s slots) full(n int) bool { return n*4 >= len(s)*3 }

// larger is an empty table of twice the size.
func (s slots) larger() slots { return make(slots, max(leastSlots, 2*len(s))) }

// put adds the thing of a number, whose hash is h.
func (s slots) put(h uint64, n int) {
	mask := uint64(len(s) - 1)
	i := h & mask
	for s[i] != 0 {
		i = (i + 1) & mask
	}
	s[i] = uint32(n+1) | uint32(h>>32)&^uint32(mask)
}
