package schemas

import (
	"strconv"

	"github.com/cockroachdb/errors"
)

// The headers that a dead-letter record has after the record's own. Its value is
// the record's, unchanged, but never null, and its key is its own, DeadLetterKey:
// so the topic can be compacted, and single letters be removed by a tombstone.
// Records of before that have the rejected record's key and value, and neither a
// ValueHeader nor a KeyHeader.
const (
	ValueHeader     = "badgestream-value"     // one of the values below
	KeyHeader       = "badgestream-key"       // the record's key; null where it has none
	ReasonHeader    = "badgestream-reason"    // a Reason
	DetailHeader    = "badgestream-detail"    // Reject.Detail
	TopicHeader     = "badgestream-topic"     // where the record stood
	PartitionHeader = "badgestream-partition" // decimal
	OffsetHeader    = "badgestream-offset"    // decimal
	TimestampHeader = "badgestream-timestamp" // the record's, in Unix milliseconds, decimal, as Kafka has it
)

// What ValueHeader says of the rejected record's value.
const (
	ValueWhole   = "whole"    // it is the letter's
	ValueNull    = "null"     // it is null, and the letter's is empty
	ValueLeftOut = "left-out" // the record is larger than the topic takes: key, value and headers are missing
)

// deadLetterHeaders is how many they are without the key, and they are the last.
const deadLetterHeaders = 6

// DeadLetter says of a rejected record why it was, and where it stood.
type DeadLetter struct {
	Reason    Reason
	Detail    string
	Topic     string
	Partition int32
	Offset    int64
	// Timestamp is the record's, in Unix milliseconds as Kafka keeps it: a
	// producer may have written any number.
	Timestamp int64
}

// DeadLetterKey is the key of a dead letter: TOPIC/PARTITION@OFFSET, where the
// record stood.
func DeadLetterKey(d *DeadLetter) []byte {
	key := append(append([]byte(nil), d.Topic...), '/')
	key = append(strconv.AppendInt(key, int64(d.Partition), 10), '@')
	return strconv.AppendInt(key, d.Offset, 10)
}

// Buried is what a dead letter is of a rejected record: its key, value and headers.
type Buried[H any] struct {
	Key, Value []byte
	Headers    []H
}

// Bury gives a dead letter: what it is of a record, and nothing but what it tells of
// it where the record is too large.
func Bury[H ~struct {
	Key   string
	Value []byte
}](r Buried[H], d *DeadLetter, large bool) (letter Buried[H]) {
	value := ValueWhole
	switch {
	case large:
		r, value = Buried[H]{}, ValueLeftOut
	case r.Value == nil:
		value = ValueNull
	}
	if r.Value == nil {
		r.Value = []byte{}
	}
	headers := append(r.Headers[:len(r.Headers):len(r.Headers)], H(Header{ValueHeader, []byte(value)}), H(Header{KeyHeader, r.Key}))
	return Buried[H]{Key: DeadLetterKey(d), Value: r.Value, Headers: DeadLetterHeaders(headers, d)}
}

// Unbury reads a dead letter: what it tells, and the rejected record. Of one that was
// too large nothing is left. The error is as that of ParseDeadLetter.
func Unbury[H ~struct {
	Key   string
	Value []byte
}](letter Buried[H]) (d DeadLetter, r Buried[H], err error) {
	d, headers, err := ParseDeadLetter(letter.Headers)
	if err != nil {
		return d, letter, err
	}
	r = Buried[H]{Key: letter.Key, Value: letter.Value, Headers: headers}
	own := len(headers) - 2
	if string(letter.Key) != string(DeadLetterKey(&d)) || own < 0 || Header(headers[own]).Key != ValueHeader || Header(headers[own+1]).Key != KeyHeader {
		return d, r, nil
	}
	r.Key, r.Headers = Header(headers[own+1]).Value, headers[:own:own]
	if string(Header(headers[own]).Value) != ValueWhole {
		r.Value = nil
	}
	return d, r, nil
}

// DeadLetterHeaders gives the headers of a dead-letter record that tell of it: the
// original ones, whatever they are, and then six.
func DeadLetterHeaders[H ~struct {
	Key   string
	Value []byte
}](original []H, d *DeadLetter) []H {
	headers := make([]H, 0, len(original)+deadLetterHeaders)
	return append(append(headers, original...),
		H(Header{ReasonHeader, []byte(d.Reason)}),
		H(Header{DetailHeader, []byte(d.Detail)}),
		H(Header{TopicHeader, []byte(d.Topic)}),
		H(Header{PartitionHeader, strconv.AppendInt(nil, int64(d.Partition), 10)}),
		H(Header{OffsetHeader, strconv.AppendInt(nil, d.Offset, 10)}),
		H(Header{TimestampHeader, strconv.AppendInt(nil, d.Timestamp, 10)}),
	)
}

// ParseDeadLetter reads the headers of a dead-letter record and gives those of
// the original one, to redrive it. The error says which header is amiss.
func ParseDeadLetter[H ~struct {
	Key   string
	Value []byte
}](headers []H) (d DeadLetter, original []H, err error) {
	own := len(headers) - deadLetterHeaders
	if own < 0 {
		return d, nil, errors.Newf("read a dead letter: it has %d headers; %d of badgestream's are missing", len(headers), deadLetterHeaders)
	}
	var values [deadLetterHeaders]string
	for i, key := range [deadLetterHeaders]string{ReasonHeader, DetailHeader, TopicHeader, PartitionHeader, OffsetHeader, TimestampHeader} {
		h := Header(headers[own+i])
		if h.Key != key {
			return d, nil, errors.Newf("read a dead letter: its header %d is %s; it must be %s", own+i, quoted(h.Key), key)
		}
		values[i] = string(h.Value)
	}
	var numbers [3]int64
	for i, key := range [3]string{PartitionHeader, OffsetHeader, TimestampHeader} {
		bits := 64
		if key == PartitionHeader {
			bits = 32
		}
		if numbers[i], err = strconv.ParseInt(values[3+i], 10, bits); err != nil {
			return d, nil, errors.Newf("read a dead letter: its header %s is %s; it must be a decimal number", key, quoted(values[3+i]))
		}
	}
	return DeadLetter{
		Reason: Reason(values[0]), Detail: values[1], Topic: values[2],
		Partition: int32(numbers[0]), Offset: numbers[1], Timestamp: numbers[2],
	}, headers[:own:own], nil
}
