package projections

import (
	"encoding/binary"
	"unsafe"

	"github.com/badgestream/badgestream/processor"
)

// bulkUser is a user's row in memory. data holds all that differs in length, the
// id, the counters and the badges, in one piece: what the collector must look at
// is one pointer for each user.
type bulkUser struct {
	version int64
	due     int64
	data    []byte
	hand    *processor.ByHand // nil for almost everybody
	// idBytes and counterBytes are how many of data are the id's, and after them the
	// counters'; the rest are the badges'.
	idBytes, counterBytes uint32
	decided               bool // hand is another in the table
	asked                 bool // since room was last made
	away                  bool // what stands here does not hold any more
	storedRow
}

// heldBytes is what a badge takes: its number, and when it was earned.
const heldBytes = 2 + 8

// id is the user's; its bytes are never written again.
func (u *bulkUser) id() string { return unsafe.String(unsafe.SliceData(u.data), u.idBytes) }

// counters appends the row's counters; of one that is new all are 0. Most are
// small: as varints they take a third of what they would as numbers.
func (u *bulkUser) counters(dst []int64, width int) []int64 {
	if u.counterBytes == 0 {
		return append(dst, make([]int64, width)...)
	}
	rest := u.data[u.idBytes:]
	for range width {
		v, n := binary.Varint(rest)
		dst, rest = append(dst, v), rest[n:]
	}
	return dst
}

// pack sets the counters. room is for the work, and is returned.
func (u *bulkUser) pack(counters []int64, room []byte) []byte {
	room = room[:0]
	for _, v := range counters {
		room = binary.AppendVarint(room, v)
	}
	n := len(room)
	if uint32(n) == u.counterBytes {
		copy(u.data[u.idBytes:], room)
		return room
	}
	room = append(room, u.badges()...)
	u.counterBytes = uint32(n)
	u.setAfter(int(u.idBytes), room)
	return room
}

func (u *bulkUser) badges() []byte { return u.data[u.idBytes+u.counterBytes:] }

// held appends the badges.
func (u *bulkUser) held(dst []processor.Held) []processor.Held {
	for b := u.badges(); len(b) > 0; b = b[heldBytes:] {
		dst = append(dst, processor.Held{Badge: int16(binary.LittleEndian.Uint16(b)), At: int64(binary.LittleEndian.Uint64(b[2:]))})
	}
	return dst
}

// hold sets the badges.
func (u *bulkUser) hold(held []processor.Held, room []byte) []byte {
	room = room[:0]
	for _, h := range held {
		room = binary.LittleEndian.AppendUint16(room, uint16(h.Badge))
		room = binary.LittleEndian.AppendUint64(room, uint64(h.At))
	}
	u.setAfter(int(u.idBytes+u.counterBytes), room)
	return room
}

// setAfter sets what follows the first bytes of data, which stay. Where data
// must move, it gets room for a badge and a few longer counters more.
func (u *bulkUser) setAfter(n int, rest []byte) {
	if n+len(rest) <= cap(u.data) {
		u.data = append(u.data[:n], rest...)
		return
	}
	data := make([]byte, 0, n+len(rest)+heldBytes+4)
	u.data = append(append(data, u.data[:n]...), rest...)
}
