package feed

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/traffic"
	"github.com/badgestream/badgestream/schemas"
)

// structuredType is the content type of structured mode (CloudEvents Kafka
// protocol binding 1.0.2, section 3.3).
const structuredType = "application/cloudevents+json"

// Structured is a record in structured mode: the line as it is, under the
// subject as its key. A line that names no subject has no key.
func Structured(line []byte, subject string) *kgo.Record {
	r := &kgo.Record{Value: line, Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte(structuredType)}}}
	if subject != "" {
		r.Key = []byte(subject)
	}
	return r
}

// Check decodes a line and says what the engine, folding by the catalogue,
// would say of it: nil, or a *schemas.Reject. Types that the catalogue does
// not know are valid.
func Check(cat *catalog.Catalog, line []byte, ev *schemas.Event) error {
	if err := schemas.DecodeStructured(line, ev); err != nil {
		return err
	}
	t, known := cat.Types[ev.Type]
	if !known {
		return nil
	}
	shape := &cat.Events[t].Shape
	return shape.Decode(ev, make([]schemas.Value, len(shape.Fields)))
}

// Subject reads the subject of a line, also of one that is broken further on.
// It is empty where none can be read.
func Subject(line []byte) string {
	dec := jsontext.NewDecoder(bytes.NewReader(line), jsontext.AllowDuplicateNames(true))
	if start, err := dec.ReadToken(); err != nil || start.Kind() != '{' {
		return ""
	}
	for {
		name, err := dec.ReadToken()
		if err != nil || name.Kind() != '"' {
			return ""
		}
		wanted := name.String() == "subject"
		value, err := dec.ReadValue()
		if err != nil {
			return ""
		}
		if wanted {
			if value.Kind() != '"' {
				return ""
			}
			subject, _ := attribute(value)
			return subject
		}
	}
}

// Traffic is a synthetic event's record, in binary mode.
func Traffic(e *traffic.Event) *kgo.Record {
	r := &kgo.Record{Key: []byte(e.Subject), Value: e.Data}
	for _, h := range e.Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader(h))
	}
	return r
}
