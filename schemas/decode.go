package schemas

import "strings"

// attributePrefix starts the header names of binary mode.
const attributePrefix = "ce_"

// Decode reads a record's headers and value as one CloudEvent 1.0, after the
// Kafka protocol binding (github.com/cloudevents/spec, kafka-protocol-binding
// 1.0.2): structured if the content type says so, else binary if there is any
// ce_ header, else structured.
//
// It checks what every event must have, and does not look into the data of
// binary mode: Shape.Decode does, for the types that somebody asks for. The
// event aliases headers and value. The error is always a *Reject, and the
// event then means nothing.
//
// H is a record header of whatever client, so that its slice passes as it is.
func Decode[H ~struct {
	Key   string
	Value []byte
}](headers []H, value []byte, ev *Event) error {
	*ev = Event{}
	if err := checkSize(value); err != nil {
		return err
	}
	var attrs attributes
	binary := false
	for i := range headers {
		h := Header(headers[i])
		index := attrContentType
		if h.Key != "content-type" {
			name, ok := strings.CutPrefix(h.Key, attributePrefix)
			if !ok {
				continue
			}
			binary = true
			// The data's content type has no ce_ header: it is content-type.
			if index = named(name); index < 0 || index == attrContentType {
				continue
			}
		}
		if h.Value == nil {
			continue
		}
		if attrs.has[index] {
			return reject(ReasonMalformed, "the header %s is there twice", h.Key)
		}
		attrs.set(index, alias(h.Value))
	}
	structured, readable := cloudEvent(attrs.value[attrContentType])
	switch {
	case structured && !readable:
		return reject(ReasonContentType, "the content type is %s; only application/cloudevents+json is read", quoted(attrs.value[attrContentType]))
	case structured || !binary:
		return decodeObject(value, ev)
	}
	if len(value) > 0 {
		ev.Data = value
	}
	return attrs.event(ev)
}

// DecodeStructured reads one CloudEvent 1.0 in the JSON event format
// (github.com/cloudevents/spec, json-format 1.0.2). The value is one JSON
// object with nothing but white space around it. As Decode, it aliases the
// value and returns no error but *Reject.
func DecodeStructured(value []byte, ev *Event) error {
	*ev = Event{}
	if err := checkSize(value); err != nil {
		return err
	}
	return decodeObject(value, ev)
}

func checkSize(value []byte) error {
	if len(value) > MaxValueBytes {
		return reject(ReasonTooLarge, "the value has %d bytes; %d are allowed", len(value), MaxValueBytes)
	}
	return nil
}
