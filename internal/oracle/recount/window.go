package recount

import (
	"crypto/sha256"
	"encoding/binary"
)

// window remembers at which offset each event of a partition stood last. An
// event is a duplicate if it stood at one of the size offsets before.
type window struct {
	size  int64
	last  map[[sha256.Size]byte]int64
	order []occurrence // oldest first, so that what is too old is forgotten
}

type occurrence struct {
	event  [sha256.Size]byte
	offset int64
}

func newWindow(size int64) *window {
	return &window{size: size, last: map[[sha256.Size]byte]int64{}}
}

func (w *window) see(source, id string, offset int64) (duplicate bool) {
	for len(w.order) > 0 && offset-w.order[0].offset > w.size {
		if old := w.order[0]; w.last[old.event] == old.offset {
			delete(w.last, old.event)
		}
		w.order = w.order[1:]
	}
	text := binary.BigEndian.AppendUint32(nil, uint32(len(source)))
	event := sha256.Sum256(append(append(text, source...), id...))
	_, duplicate = w.last[event]
	w.last[event] = offset
	w.order = append(w.order, occurrence{event, offset})
	return duplicate
}
