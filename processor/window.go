package processor

import (
	"crypto/sha256"
	"encoding/binary"
)

// Window remembers the events at the last offsets of one partition, to tell
// duplicates. After a fold that failed it holds what was not folded: it must
// be made anew from the log.
//
// Events are kept as the first 128 bits of SHA-256 over source and id, so
// that memory is bounded whatever the ids are, and nobody can craft an id
// that hides somebody else's event.
type Window struct {
	size int64
	// ring holds the occurrences that are in the window, oldest first from head
	// on; its length is a power of two. slots finds the latest of an event: the
	// place in the ring, plus 1, by open addressing with as many slots again. A
	// map beside a list takes four times the memory and twice the time.
	ring  []occurrence
	head  int
	count int
	slots []int32
	buf   []byte
}

type eventKey [16]byte

type occurrence struct {
	key    eventKey
	offset int64
}

// NewWindow makes a window in which an event is a duplicate if it occurred at
// one of the size offsets before it.
func NewWindow(size int64) *Window {
	const least = 64
	return &Window{size: size, ring: make([]occurrence, least), slots: make([]int32, 2*least)}
}

// See notes that the event stands at the offset, and reports whether it is a
// duplicate. Offsets must ascend.
func (w *Window) See(source, id string, offset int64) bool {
	for w.count > 0 && offset-w.ring[w.head].offset > w.size {
		w.leave()
	}
	if w.count == len(w.ring) {
		w.grow()
	}
	o := occurrence{w.key(source, id), offset}
	at := (w.head + w.count) & (len(w.ring) - 1)
	slot := w.find(o.key)
	duplicate := w.slots[slot] != 0
	w.ring[at], w.slots[slot] = o, int32(at+1)
	w.count++
	return duplicate
}

// find is the slot of an event, or an empty one for it.
func (w *Window) find(k eventKey) int {
	mask := len(w.slots) - 1
	for slot := k.hash() & mask; ; slot = (slot + 1) & mask {
		if at := w.slots[slot]; at == 0 || w.ring[at-1].key == k {
			return slot
		}
	}
}

// The key is a hash itself.
func (k *eventKey) hash() int { return int(binary.LittleEndian.Uint64(k[:]) >> 1) }

// leave drops the oldest occurrence. Its event is forgotten, unless it occurred
// again.
func (w *Window) leave() {
	slot := w.find(w.ring[w.head].key)
	if int(w.slots[slot]) == w.head+1 {
		w.empty(slot)
	}
	w.head = (w.head + 1) & (len(w.ring) - 1)
	w.count--
}

// empty empties a slot, and moves up what had to pass over it.
func (w *Window) empty(slot int) {
	mask := len(w.slots) - 1
	for next := (slot + 1) & mask; w.slots[next] != 0; next = (next + 1) & mask {
		home := w.ring[w.slots[next]-1].key.hash() & mask
		if (next-home)&mask >= (next-slot)&mask {
			w.slots[slot] = w.slots[next]
			slot = next
		}
	}
	w.slots[slot] = 0
}

// grow doubles the room.
func (w *Window) grow() {
	ring := make([]occurrence, 2*len(w.ring))
	n := copy(ring, w.ring[w.head:])
	copy(ring[n:], w.ring[:w.head])
	w.ring, w.head, w.slots = ring, 0, make([]int32, 4*len(w.ring))
	for at := range w.count {
		w.slots[w.find(ring[at].key)] = int32(at + 1)
	}
}

// key hashes the pair; the length of the source keeps ("a","bc") and
// ("ab","c") apart.
func (w *Window) key(source, id string) eventKey {
	w.buf = binary.AppendUvarint(w.buf[:0], uint64(len(source)))
	w.buf = append(append(w.buf, source...), id...)
	sum := sha256.Sum256(w.buf)
	return eventKey(sum[:16])
}
