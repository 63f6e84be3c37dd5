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
	last map[eventKey]int64 // event → offset of its latest occurrence
	// seen are the occurrences in the order of their offsets; those before
	// head have left the window.
	seen []occurrence
	head int
	buf  []byte
}

type eventKey [16]byte

type occurrence struct {
	key    eventKey
	offset int64
}

// NewWindow makes a window in which an event is a duplicate if it occurred at
// one of the size offsets before it.
func NewWindow(size int64) *Window {
	return &Window{size: size, last: map[eventKey]int64{}}
}

// See notes that the event stands at the offset, and reports whether it is a
// duplicate. Offsets must ascend.
func (w *Window) See(source, id string, offset int64) bool {
	w.leave(offset)
	k := w.key(source, id)
	_, duplicate := w.last[k]
	w.last[k] = offset
	w.seen = append(w.seen, occurrence{k, offset})
	return duplicate
}

// leave drops what is too far before the offset.
func (w *Window) leave(offset int64) {
	for ; w.head < len(w.seen) && offset-w.seen[w.head].offset > w.size; w.head++ {
		if o := w.seen[w.head]; w.last[o.key] == o.offset {
			delete(w.last, o.key)
		}
	}
	if w.head > 1024 && w.head > len(w.seen)/2 {
		w.seen = append(w.seen[:0], w.seen[w.head:]...)
		w.head = 0
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
