package oracle

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/badgestream/badgestream/internal/oracle/recount"
)

// The hashes under which members and things are stored, as the SQL function
// row_key has them: 64 bits of SHA-256 over the group's secret, a letter, and
// the ids.

// userKey is what a user's rows are stored under.
func (s *stored) userKey(user string) int64 {
	return firstBits(append(append(append([]byte(nil), s.secret[:]...), 'u'), user...))
}

// rowKey is the second part of the key of a member, or of a thing, whose
// member is empty.
func (s *stored) rowKey(collection int, entity, member string) int64 {
	text := append(append([]byte(nil), s.secret[:]...), 'r')
	text = binary.BigEndian.AppendUint16(text, uint16(collection))
	text = binary.BigEndian.AppendUint32(text, uint32(len(entity)))
	return firstBits(append(append(text, entity...), member...))
}

func (s *stored) memberKey(k recount.RowKey) int64 { return s.rowKey(k.Collection, k.Entity, k.Member) }

func (s *stored) thingKey(k recount.ThingKey) int64 { return s.rowKey(k.Collection, k.Thing, "") }

func firstBits(text []byte) int64 {
	sum := sha256.Sum256(text)
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// A pass counts the users of one range of keys.

const signBit = 1 << 63 // keys are ordered as signed numbers

// mine says whether this pass counts a user.
func (p *pass) mine(user string) bool {
	if p.report.Passes == 1 {
		return true
	}
	n, _ := bits.Mul64(uint64(p.auditor.stored.userKey(user))^signBit, uint64(p.report.Passes))
	return int(n) == p.n
}

// bounds are the first and the last key of this pass.
func (p *pass) bounds() (first, last int64) {
	return lowest(p.n, p.report.Passes), lowest(p.n+1, p.report.Passes) - 1
}

// lowest is the lowest key of pass n of a number of passes; of the one after
// the last, it is the lowest of all, so that the key before it is the highest.
func lowest(n, of int) int64 {
	if n == of {
		n = 0
	}
	q, rest := bits.Div64(uint64(n), 0, uint64(of))
	if rest > 0 {
		q++
	}
	return int64(q ^ signBit)
}
