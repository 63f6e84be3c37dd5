package feed

import (
	"bytes"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/schemas"
)

// Binary is the record of a valid structured event in binary mode: every
// attribute, extensions among them, in a ce_ header, and the data as the value
// (CloudEvents Kafka protocol binding 1.0.2, section 3.2).
func Binary(line []byte, ev *schemas.Event) (*kgo.Record, error) {
	r := &kgo.Record{Value: slices.Clone(ev.Data)}
	if ev.Subject != "" {
		r.Key = []byte(ev.Subject)
	}
	contentType := "application/json"
	dec := jsontext.NewDecoder(bytes.NewReader(line))
	if _, err := dec.ReadToken(); err != nil {
		return nil, errors.Wrap(err, "read the event")
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, errors.Wrap(err, "read the event")
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return nil, errors.Wrapf(err, "read the event's %s", key)
		}
		switch text, ok := attribute(value); {
		case key == "data", !ok:
		case key == "data_base64":
			return nil, errors.New("it has data_base64, which --binary does not send: it has no JSON to send")
		case key == "datacontenttype":
			contentType = text
		default:
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: "ce_" + key, Value: []byte(text)})
		}
	}
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: "content-type", Value: []byte(contentType)})
	return r, nil
}

// attribute gives a value as a header has it: strings without quotes, numbers
// and truth values as they are. Null is none, and so is what cannot be an
// attribute.
func attribute(value jsontext.Value) (string, bool) {
	switch value.Kind() {
	case '"':
		text, err := jsontext.AppendUnquote(nil, value)
		return string(text), err == nil
	case '0', 't', 'f':
		return string(value), true
	}
	return "", false
}
