package schemas

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// The types of badge events.
const (
	AwardedType = "badgestream.badge.awarded"
	RevokedType = "badgestream.badge.revoked"
)

// badgeSource is what the source of a badge event begins with; the group follows.
const badgeSource = "/badgestream/"

// BadgeReason says what made badgestream give or take a badge. It is published.
type BadgeReason string

// The reasons.
const (
	ReasonActivity BadgeReason = "activity" // an event, as it came
	ReasonBackfill BadgeReason = "backfill" // an event of before the badge was there
	ReasonRebuild  BadgeReason = "rebuild"  // a switch to other rules
	ReasonManual   BadgeReason = "manual"   // a person's decision
)

// Cause is the record that made a badge start or stop being held.
type Cause struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	ID        string `json:"id"`     // the CloudEvents id of the event in it
	Source    string `json:"source"` // the CloudEvents source
}

// BadgeEvent is what the award topic holds: one badge that starts or stops
// being held by one user. badge-event.schema.json is its JSON.
type BadgeEvent struct {
	Revoked bool
	Group   string // the consumer group that decided: the last part of the source
	User    string
	// Time is the time of the event that was the cause, in Unix microseconds.
	Time      int64
	Badge     string // slug
	Tier      int
	Category  string
	Criterion string
	// EarnedAt is when the badge was earned, in Unix microseconds: Time, or of
	// a revoked badge some earlier instant.
	EarnedAt int64
	// Counters are the values that the criterion looked at, in its order.
	Counters Numbers
	Cause    Cause
	// Ordinal numbers the badge events of one cause from 0.
	Ordinal        int64
	CatalogVersion int64
	// UserVersion is strictly rising from cause to cause of one user: it, not
	// the order of the topic, tells a user's story.
	UserVersion int64
	Reason      BadgeReason
}

// Type is the CloudEvents type: AwardedType or RevokedType.
func (e *BadgeEvent) Type() string {
	if e.Revoked {
		return RevokedType
	}
	return AwardedType
}

// ID is the CloudEvents id, equal whenever the same decision is published:
// the first 16 bytes, in hex, of the SHA-256 of the user, the badge, "awarded"
// or "revoked", and the cause's topic, partition and offset (in decimal), each
// as UTF-8 with its length in bytes before it, as 4 bytes, big-endian.
func (e *BadgeEvent) ID() string {
	var buf [32]byte
	return string(e.appendID(buf[:0]))
}

func (e *BadgeEvent) appendID(dst []byte) []byte {
	what := "awarded"
	if e.Revoked {
		what = "revoked"
	}
	var buf [768]byte
	var number [20]byte
	text := appendPart(buf[:0], e.User)
	text = appendPart(text, e.Badge)
	text = appendPart(text, what)
	text = appendPart(text, e.Cause.Topic)
	text = appendPart(text, alias(strconv.AppendInt(number[:0], int64(e.Cause.Partition), 10)))
	text = appendPart(text, alias(strconv.AppendInt(number[:0], e.Cause.Offset, 10)))
	sum := sha256.Sum256(text)
	return hex.AppendEncode(dst, sum[:16])
}

func appendPart(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(s))), s...)
}

// What a badge event in structured mode begins with, and how long its id is.
const (
	structuredHead = `{"specversion":"1.0","id":"`
	idLength       = 32
)

// StructuredID is the id in what AppendStructured has appended, which it aliases.
func StructuredID(event []byte) []byte {
	return event[len(structuredHead) : len(structuredHead)+idLength : len(structuredHead)+idLength]
}

// AppendStructured appends the event in structured mode, on one line without
// its end.
func (e *BadgeEvent) AppendStructured(dst []byte) []byte {
	dst = append(dst, structuredHead...)
	dst = e.appendID(dst)
	dst = appendMember(dst, `","source":`, badgeSource+e.Group)
	dst = appendMember(dst, `,"type":`, e.Type())
	dst = appendMember(dst, `,"subject":`, e.User)
	dst = appendTimeMember(dst, `,"time":`, e.Time)
	dst = append(dst, `,"datacontenttype":"application/json","data":`...)
	return append(e.AppendData(dst), '}')
}

// BinaryHeaders gives the headers of the event in binary mode, for the record
// whose value AppendData writes. H is the client's own header type.
func BinaryHeaders[H ~struct {
	Key   string
	Value []byte
}](e *BadgeEvent) []H {
	return []H{
		H(Header{"ce_specversion", []byte("1.0")}),
		H(Header{"ce_id", e.appendID(nil)}),
		H(Header{"ce_source", []byte(badgeSource + e.Group)}),
		H(Header{"ce_type", []byte(e.Type())}),
		H(Header{"ce_subject", []byte(e.User)}),
		H(Header{"ce_time", AppendTime(nil, e.Time)}),
		H(Header{"content-type", []byte("application/json")}),
	}
}

// AppendData appends the event's data, the value in binary mode.
func (e *BadgeEvent) AppendData(dst []byte) []byte {
	dst = appendMember(dst, `{"badge":`, e.Badge)
	dst = appendIntMember(dst, `,"tier":`, int64(e.Tier))
	dst = appendMember(dst, `,"category":`, e.Category)
	dst = appendMember(dst, `,"criterion":`, e.Criterion)
	dst = appendTimeMember(dst, `,"earned_at":`, e.EarnedAt)
	dst = e.Counters.Append(append(dst, `,"counters":`...))
	dst = appendMember(dst, `,"cause":{"topic":`, e.Cause.Topic)
	dst = appendIntMember(dst, `,"partition":`, int64(e.Cause.Partition))
	dst = appendIntMember(dst, `,"offset":`, e.Cause.Offset)
	dst = appendMember(dst, `,"id":`, e.Cause.ID)
	dst = appendMember(dst, `,"source":`, e.Cause.Source)
	dst = appendIntMember(dst, `},"ordinal":`, e.Ordinal)
	dst = appendIntMember(dst, `,"catalog_version":`, e.CatalogVersion)
	dst = appendIntMember(dst, `,"user_version":`, e.UserVersion)
	dst = appendMember(dst, `,"reason":`, string(e.Reason))
	return append(dst, '}')
}
