package projections

import (
	"encoding/binary"
	"strings"

	"github.com/badgestream/badgestream/processor"
)

// bulkUser is a user's row in memory. packed holds the counters as varints: most
// are small, and a row then takes a third of what it would as numbers.
type bulkUser struct {
	id      string
	version int64
	due     int64
	packed  []byte
	held    []processor.Held
	hand    *processor.ByHand // nil for almost everybody
	decided bool              // and it is another in the table
	storedRow
}

// userCache holds users' rows as a rowCache does, in maps.
type userCache struct {
	young, old map[string]*bulkUser
	limit      int
	missed     bool // the table may have rows that are not here
	fresh      []*bulkUser
	dirty      []*bulkUser
}

func newUserCache(limit int) userCache {
	return userCache{young: map[string]*bulkUser{}, limit: limit}
}

func (c *userCache) get(id string) *bulkUser {
	if u := c.young[id]; u != nil {
		return u
	}
	u := c.old[id]
	if u != nil {
		delete(c.old, id)
		c.young[u.id] = u
	}
	return u
}

// add makes the row of a user who is not here.
func (c *userCache) add(id string) *bulkUser {
	u := &bulkUser{id: strings.Clone(id)} // the batch's text holds many others
	c.young[u.id] = u
	return u
}

// full says that it is time to rotate. Who is asked for again leaves old, so
// that nobody must go while there is room for all.
func (c *userCache) full() bool { return len(c.young)+len(c.old) >= c.limit }

// rotate drops the rows that were not asked for lately, or any where all were, so
// that half of the room is free. All must be stored.
func (c *userCache) rotate() {
	c.missed = c.missed || len(c.old) > 0
	c.old, c.young = c.young, map[string]*bulkUser{}
	for id := range c.old {
		if len(c.old) <= c.limit/2 {
			break
		}
		c.missed = true
		delete(c.old, id)
	}
}

// forget drops a row that somebody else has changed in the table.
func (c *userCache) forget(id string) {
	delete(c.young, id)
	delete(c.old, id)
	c.missed = true
}

// counters appends the row's counters; of one that is new all are 0.
func (u *bulkUser) counters(dst []int64, width int) []int64 {
	rest := u.packed
	if rest == nil {
		return append(dst, make([]int64, width)...)
	}
	for range width {
		v, n := binary.Varint(rest)
		dst, rest = append(dst, v), rest[n:]
	}
	return dst
}

func (u *bulkUser) pack(counters []int64) {
	u.packed = u.packed[:0]
	for _, v := range counters {
		u.packed = binary.AppendVarint(u.packed, v)
	}
}
