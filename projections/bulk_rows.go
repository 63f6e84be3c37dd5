package projections

import (
	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
)

// storedRow is how a row in memory stands to the one in its table.
type storedRow struct {
	stored bool // the table has it
	dirty  bool // and it is another there
}

// memberRow is a row of the members; at is processor.NoTime where its kind has none.
type memberRow struct {
	key   rowKey
	at    int64
	state int32
	coll  int16
	storedRow
}

// entityRow is a row of the entities.
type entityRow struct {
	key   rowKey
	sums  [catalog.MaxSums]int64
	state int32
	coll  int16
	storedRow
}

// fields takes a row's fields one after the other: as a row of a COPY, or into
// the columns of a statement.
type fields interface {
	AddInt8(int64)
	AddInt4(int32)
	AddInt2(int16)
	AddTime(int64)
	Null()
}

// types are those of the fields that write gives.
func (*memberRow) types() []uint32 {
	return []uint32{pgbatch.Int8, pgbatch.Int8, pgbatch.Int2, pgbatch.Int4, pgbatch.Int4, pgbatch.TimestampTZ}
}

func (*entityRow) types() []uint32 {
	return []uint32{pgbatch.Int8, pgbatch.Int8, pgbatch.Int2, pgbatch.Int4, pgbatch.Int4, pgbatch.Int8, pgbatch.Int8, pgbatch.Int8, pgbatch.Int8}
}

func (r *memberRow) write(to fields) {
	writeState(to, r.key, r.coll, r.state)
	if r.at == processor.NoTime {
		to.Null()
	} else {
		to.AddTime(r.at)
	}
}

func (r *entityRow) write(to fields) {
	writeState(to, r.key, r.coll, r.state)
	for _, s := range r.sums {
		to.AddInt8(s)
	}
}

// writeState writes what members and entities have in common. The state before
// the last batch is of use to live folds alone.
func writeState(to fields, key rowKey, coll int16, state int32) {
	to.AddInt8(key.user)
	to.AddInt8(key.row)
	to.AddInt2(coll)
	to.AddInt4(state)
	to.AddInt4(state)
}

func (r *memberRow) rowKey() *rowKey     { return &r.key }
func (r *entityRow) rowKey() *rowKey     { return &r.key }
func (r *storedRow) inTable() *storedRow { return r }

// keyedRow is a pointer to a row that has a key.
type keyedRow[R any] interface {
	*R
	rowKey() *rowKey
	inTable() *storedRow
	types() []uint32
	write(fields)
}

// rowCache holds rows of one table by key, about limit of them. Rows that were
// not asked for in a long time go first: what was asked for lately stands in
// young, and what was before that in old. A pointer to a row of young holds until
// the next rotate.
type rowCache[R any, P keyedRow[R]] struct {
	young, old rowTable[R, P]
	limit      int
	// missed says that the table may have rows that are not here: gone knows their
	// keys, and takes some others for such.
	missed bool
	gone   keyFilter
	fresh  []P // not stored
	dirty  []P
}

// get returns the row, nil if it is not here.
func (c *rowCache[R, P]) get(k rowKey) P {
	if r := c.young.get(k); r != nil {
		return r
	}
	r := c.old.get(k)
	if r == nil {
		return nil
	}
	// What stands in old and not in young is stored and not dirty: nobody else points
	// to it.
	kept := c.young.add(k)
	*kept = *r
	return kept
}

// full says that it is time to rotate.
func (c *rowCache[R, P]) full() bool { return c.young.n >= c.limit/2 }

// rotate drops the rows that were not asked for since the last time. None may be
// new, and those that leave must be written. Of those that were asked for since,
// the ones that are other than they are stored are young once more.
func (c *rowCache[R, P]) rotate() {
	c.old.each(func(r P) {
		if k := *r.rowKey(); c.young.get(k) == nil {
			c.missed = true
			c.gone.add(k)
		}
	})
	c.old, c.young = c.young, rowTable[R, P]{}
	for i, r := range c.dirty {
		c.dirty[i] = c.young.add(*r.rowKey())
		*c.dirty[i] = *r
	}
}

// mayBeStored says whether the table may have a row that is not here.
func (c *rowCache[R, P]) mayBeStored(k rowKey) bool { return c.missed && c.gone.has(k) }

// rowTable is a hash table of rows. They stand in chunks and never move; they hold
// no pointers, so that the collector passes them over. A map takes twice the
// memory.
type rowTable[R any, P keyedRow[R]] struct {
	slots  slots
	chunks [][]R
	n      int
}

const rowChunk = 4096

func (t *rowTable[R, P]) at(n int) P { return P(&t.chunks[n/rowChunk][n%rowChunk]) }

func (k *rowKey) hash() uint64 { return uint64(k.row) ^ uint64(k.user)*0x9E3779B97F4A7C15 }

func (t *rowTable[R, P]) get(k rowKey) P {
	if t.n == 0 {
		return nil
	}
	h := k.hash()
	for n, next := t.slots.seek(h, h); n >= 0; n, next = t.slots.seek(h, next) {
		if r := t.at(n); *r.rowKey() == k {
			return r
		}
	}
	return nil
}

// add makes a row of a key that is not here.
func (t *rowTable[R, P]) add(k rowKey) P {
	if t.slots.full(t.n) {
		t.slots = t.slots.larger()
		for n := range t.n {
			t.slots.put(t.at(n).rowKey().hash(), n)
		}
	}
	if t.n == len(t.chunks)*rowChunk {
		t.chunks = append(t.chunks, make([]R, rowChunk))
	}
	r := t.at(t.n)
	*r.rowKey() = k
	t.slots.put(k.hash(), t.n)
	t.n++
	return r
}

func (t *rowTable[R, P]) each(f func(P)) {
	for n := range t.n {
		f(t.at(n))
	}
}

// keyFilter knows which keys were added, and takes some others for such: with
// eight bits for each key that was, one of 20.
type keyFilter struct {
	bits []uint64
	size int // of the filter once it is used, in bytes; a power of two
}

func (f *keyFilter) add(k rowKey) {
	if f.bits == nil {
		f.bits = make([]uint64, f.size/8)
	}
	for _, bit := range k.places(f.size) {
		f.bits[bit/64] |= 1 << (bit % 64)
	}
}

func (f *keyFilter) has(k rowKey) bool {
	if f.bits == nil {
		return false
	}
	for _, bit := range k.places(f.size) {
		if f.bits[bit/64]&(1<<(bit%64)) == 0 {
			return false
		}
	}
	return true
}

// places are the bits of a key in a filter of so many bytes, a power of two up to
// 512 MiB. Both halves of a key are hashes, and say both places: all users' gauges
// of one kind have the same second half.
func (k *rowKey) places(size int) [2]uint64 {
	mask, h := uint64(size)*8-1, k.hash()
	return [2]uint64{h & mask, h >> 32 & mask}
}
