package projections

import "hash/maphash"

// userCache holds users' rows by id, about limit of them. A pointer to a row holds
// until the next rotate.
type userCache struct {
	slots  slots
	chunks [][]bulkUser
	n      int
	seed   maphash.Seed
	limit  int
	missed bool // the table may have rows that are not here
	fresh  []*bulkUser
	dirty  []*bulkUser
}

const userChunk = 1024

func newUserCache(limit int) userCache { return userCache{seed: maphash.MakeSeed(), limit: limit} }

func (c *userCache) at(n int) *bulkUser { return &c.chunks[n/userChunk][n%userChunk] }

func (c *userCache) hash(id string) uint64 { return maphash.String(c.seed, id) }

// find returns whatever stands here for a user, and the hash of his id.
func (c *userCache) find(id string) (*bulkUser, uint64) {
	h := c.hash(id)
	if c.n == 0 {
		return nil, h
	}
	for n, next := c.slots.seek(h, h); n >= 0; n, next = c.slots.seek(h, next) {
		if u := c.at(n); u.id() == id {
			return u, h
		}
	}
	return nil, h
}

// get returns a user's row, nil if it is not here.
func (c *userCache) get(id string) *bulkUser {
	u, _ := c.find(id)
	if u == nil || u.away {
		return nil
	}
	u.asked = true
	return u
}

// add makes the row of a user who is not here.
func (c *userCache) add(id string) *bulkUser {
	u, h := c.find(id)
	if u != nil {
		*u = bulkUser{data: u.data[:u.idBytes], idBytes: u.idBytes, asked: true}
		return u
	}
	u = c.next(h)
	// The batch's text holds many others.
	*u = bulkUser{data: append(make([]byte, 0, len(id)+usualData), id...), idBytes: uint32(len(id)), asked: true}
	return u
}

// usualData is the room for counters and badges that a new user's row begins with.
const usualData = 36

// next takes the room of another row, whose id has this hash.
func (c *userCache) next(h uint64) *bulkUser {
	if c.slots.full(c.n) {
		c.slots = c.slots.larger()
		for n := range c.n {
			c.slots.put(c.hash(c.at(n).id()), n)
		}
	}
	if c.n == len(c.chunks)*userChunk {
		c.chunks = append(c.chunks, make([]bulkUser, userChunk))
	}
	c.slots.put(h, c.n)
	c.n++
	return c.at(c.n - 1)
}

// full says that it is time to rotate.
func (c *userCache) full() bool { return c.n >= c.limit }

// rotate drops the rows that were not asked for since it was last called, or any
// where all were, so that half of the room is free. All must be stored, and what
// people decided as well.
func (c *userCache) rotate() {
	was, n := c.chunks, c.n
	c.chunks, c.n = nil, 0
	clear(c.slots)
	for i := range n {
		u := &was[i/userChunk][i%userChunk]
		if u.away || !u.asked || c.n >= c.limit/2 {
			c.missed = true
			continue
		}
		kept := c.next(c.hash(u.id()))
		*kept = *u
		kept.asked = false
	}
}

// forget drops a row that somebody else has changed in the table.
func (c *userCache) forget(id string) {
	if u := c.get(id); u != nil {
		u.away = true
	}
	c.missed = true
}
