package schemas

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/go-json-experiment/json"
)

// EraseType is the event type by which users are erased. It stands on the topic
// GROUP.control, has no subject, and its data is an Erasure.
const EraseType = "badgestream.erase"

// MaxErased is how many users one record erases at most.
const MaxErased = 1_000

// UserHash names a user to whoever knows the group's secret: the first 16 bytes
// of SHA-256 over the secret, the letter u and the id. Its first half, big
// endian, is the user_key of his rows.
type UserHash [16]byte

// HashUser is a user's hash under a group's secret.
func HashUser(secret [16]byte, user string) UserHash {
	sum := sha256.Sum256(append(append(secret[:len(secret):len(secret)], 'u'), user...))
	return UserHash(sum[:16])
}

// MarshalText writes the hash in 32 hexadecimal digits.
func (h UserHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads what MarshalText writes.
func (h *UserHash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return errors.Newf("a user's hash has %d hexadecimal digits", hex.EncodedLen(len(h)))
	}
	_, err := hex.Decode(h[:], text)
	return errors.Wrap(err, "read a user's hash")
}

// Erasure is who is erased: from where it stands in the log on they earn
// nothing, and nothing of theirs is kept. It names nobody.
type Erasure struct {
	Users []UserHash `json:"users"`
	By    string     `json:"by"` // who decided
	// Reason is why. It must not name them.
	Reason string `json:"reason,omitempty"`
}

// Append appends the data's JSON.
func (e *Erasure) Append(dst []byte) ([]byte, error) {
	text, err := json.Marshal(e)
	return append(dst, text...), errors.Wrap(err, "write an erasure")
}

// ParseErasure reads the data of an erasure. The error is a *Reject.
func ParseErasure(data []byte) (Erasure, error) {
	var e Erasure
	if err := json.Unmarshal(data, &e); err != nil {
		return Erasure{}, reject(ReasonData, "the data of %s must be an object with users, a list of hashes of 32 hexadecimal digits, and the strings by and reason", EraseType)
	}
	switch {
	case len(e.Users) == 0 || len(e.Users) > MaxErased:
		return Erasure{}, reject(ReasonData, "data.users has %d hashes; 1 to %d are allowed", len(e.Users), MaxErased)
	case e.By == "":
		return Erasure{}, reject(ReasonData, "data.by is missing or empty; %s needs it", EraseType)
	case len(e.By) > MaxIDBytes:
		return Erasure{}, reject(ReasonTooLarge, "data.by has %d bytes; %d are allowed", len(e.By), MaxIDBytes)
	case len(e.Reason) > MaxReasonBytes:
		return Erasure{}, reject(ReasonTooLarge, "data.reason has %d bytes; %d are allowed", len(e.Reason), MaxReasonBytes)
	case strings.IndexByte(e.By, 0) >= 0 || strings.IndexByte(e.Reason, 0) >= 0:
		return Erasure{}, reject(ReasonData, "data.by and data.reason must not hold the character U+0000")
	}
	return e, nil
}
