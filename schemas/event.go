// Package schemas holds badgestream's wire formats: the CloudEvents that come
// in, the badge events and snapshots that go out, and the shipped catalogues.
// It knows bytes and names, and nothing of how they are folded.
package schemas

// Limits of what an event may hold. What is longer is rejected before
// Postgres could refuse it: three ids make a B-tree key, which must stay
// below a third of a page.
const (
	// MaxIDBytes bounds subjects and every id in data that becomes a key.
	MaxIDBytes = 255
	// MaxAttributeBytes bounds the CloudEvents attributes id, source and type.
	MaxAttributeBytes = 512
	// MaxValueBytes bounds a record's value.
	MaxValueBytes = 1 << 20
)

// TickType is the event type that says what time it is, for criteria that
// time alone fulfils. It has no subject.
const TickType = "badgestream.tick"

// MaxTickLead is by how much a tick's time may be later than its record's
// timestamp in Kafka, in microseconds: a day. A tick beyond it is rejected.
const MaxTickLead = 24 * 60 * 60 * 1_000_000

// Event is one activity event: the CloudEvents attributes that badgestream
// reads, and the data as it came. Strings and Data alias the record's bytes
// wherever they can, so an Event lives no longer than its record.
type Event struct {
	ID      string
	Source  string
	Type    string
	Subject string
	// Time is the event's time in Unix microseconds; finer digits are cut.
	// It is meaningful only if HasTime.
	Time    int64
	HasTime bool
	// ContentType is the media type of the data as it came, "" where none is
	// named: then the data is JSON. A Shape rejects what is not JSON; events of
	// types that nobody asks for pass by with any.
	ContentType string
	// Data is the JSON text of the data, nil where there is none.
	Data []byte
	// Base64 is set if structured mode gave data_base64 instead. It is never
	// JSON to us, and Data is nil.
	Base64 bool
}

// Header is one record header. It has the layout of every Kafka client's.
type Header struct {
	Key   string
	Value []byte
}

// Reason names why a record was rejected. It is stored and published, so the
// names are part of the contract.
type Reason string

// The reasons for a rejection.
const (
	// ReasonMalformed: not one JSON object, not UTF-8, or broken headers.
	ReasonMalformed Reason = "malformed"
	// ReasonAttribute: a CloudEvents attribute is missing or wrong.
	ReasonAttribute Reason = "attribute"
	// ReasonContentType: the data is not JSON.
	ReasonContentType Reason = "content-type"
	// ReasonData: data, or a field of it, is missing, of the wrong type or out of range.
	ReasonData Reason = "data"
	// ReasonTooLarge: the value or an id exceeds its limit.
	ReasonTooLarge Reason = "too-large"
)

// Reject says that a record is not a valid event, and why. It is the only
// error that decoding returns.
type Reject struct {
	Reason Reason
	// Detail is one sentence for people: what is wrong and where.
	Detail string
}

func (r *Reject) Error() string { return string(r.Reason) + ": " + r.Detail }
