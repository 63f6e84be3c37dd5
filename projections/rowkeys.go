package projections

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/badgestream/badgestream/schemas"
)

// Secret keys the hashes under which members and entities are stored: whoever
// does not know it cannot make two ids that meet. Each group has its own, made
// when its tables are.
type Secret [16]byte

// rowKey is what a member or an entity is stored under: 64 bits of a hash of
// the user, so that a user's rows lie together, and 64 of collection, entity
// and member. The SQL function row_key makes the same.
type rowKey struct{ user, row int64 }

// A prefix keeps the two halves from ever hashing the same text.
const (
	userPrefix = 'u'
	rowPrefix  = 'r'
)

func (s *Secret) userKey(buf []byte, user string) (int64, []byte) {
	buf = append(append(append(buf[:0], s[:]...), userPrefix), user...)
	return firstBits(buf), buf
}

func (s *Secret) rowKey(buf []byte, collection int16, entity, member string) (int64, []byte) {
	buf = append(append(buf[:0], s[:]...), rowPrefix)
	buf = binary.BigEndian.AppendUint16(buf, uint16(collection))
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(entity)))
	buf = append(append(buf, entity...), member...)
	return firstBits(buf), buf
}

// UserKey is the key under which a user's members and things are stored.
func (s *Secret) UserKey(user string) int64 {
	key, _ := s.userKey(nil, user)
	return key
}

// userKeyOf is the key under which the members and things of a user stand, by
// his hash.
func userKeyOf(hash schemas.UserHash) int64 { return int64(binary.BigEndian.Uint64(hash[:8])) }

func userKeysOf(hashes []schemas.UserHash) []int64 {
	keys := make([]int64, len(hashes))
	for i := range hashes {
		keys[i] = userKeyOf(hashes[i])
	}
	return keys
}

// firstBits are the first 64 of SHA-256.
func firstBits(text []byte) int64 {
	sum := sha256.Sum256(text)
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// keyed is the key of a row that the batch names, and which one it is.
type keyed struct {
	rowKey
	n int32
}

func (f *Folder) rowKey(user string, collection int16, entity, member string) (k rowKey) {
	k.user, f.text = f.in.Secret.userKey(f.text, user)
	k.row, f.text = f.in.Secret.rowKey(f.text, collection, entity, member)
	return k
}

// inOrder sorts rows as their index has them: all workers lock them in this
// order, and neighbours are on the same pages.
func inOrder(keys []keyed) []keyed {
	slices.SortFunc(keys, func(x, y keyed) int {
		if x.user != y.user {
			return cmp.Compare(x.user, y.user)
		}
		return cmp.Compare(x.row, y.row)
	})
	return keys
}
