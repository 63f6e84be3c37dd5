package schemas

import (
	"bytes"
	"io"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/go-json-experiment/json/jsontext"
)

// members calls each for the members of the one JSON object that text is, in
// their order, with the name and the value's own bytes.
//
// It is as strict as jsontext is by default, which is I-JSON (RFC 7493): no
// invalid UTF-8, no lone surrogates, no name twice in one object at any depth,
// nothing after the object, and no more than 10,000 levels.
//
// Faults are *Reject; what names the text in them. JSON that is no object is
// rejected for the reason given. An error of each ends the walk.
func members(text []byte, what string, noObject Reason, each func(name string, raw []byte) error) error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(text))
	start, err := dec.ReadToken()
	if err != nil {
		return badJSON(what, err)
	}
	if start.Kind() != '{' {
		return reject(noObject, "%s is not a JSON object but %s", what, quoted(bytes.TrimSpace(text)))
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return badJSON(what, err)
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return badJSON(what, err)
		}
		// The decoder's buffer is its own; the text stays as long as the record.
		end := int(dec.InputOffset())
		if err := each(key, text[end-len(value):end:end]); err != nil {
			return err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return badJSON(what, err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return reject(ReasonMalformed, "%s goes on after its JSON object, at byte %d", what, dec.InputOffset())
	}
	return nil
}

// unquote gives the text of a JSON string that members has read. It aliases
// raw where nothing is escaped.
func unquote(raw []byte) string {
	inner := alias(raw[1 : len(raw)-1])
	if strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	// It cannot fail: the decoder has refused what cannot be unquoted.
	text, _ := jsontext.AppendUnquote(make([]byte, 0, len(inner)), raw)
	return alias(text)
}

func isString(raw []byte) bool { return raw[0] == '"' }

func isNull(raw []byte) bool { return raw[0] == 'n' }
