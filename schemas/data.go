package schemas

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Decode checks that an event is what the shape asks for, and reads its data's
// fields into out, which has len(s.Fields). Fields that are absent and
// Optional are zero; a null is not absent. Integers are written without
// fraction or exponent: 4.0 and 4e0 are rejected as 4.5 is. An id may alias
// the event's data. The error is always a *Reject that names the field, what
// was found and what is wanted.
func (s *Shape) Decode(ev *Event, out []Value) error {
	if !s.NoSubject {
		switch {
		case ev.Subject == "":
			return reject(ReasonAttribute, "subject is missing; %s needs the acting user there", s.Type)
		case len(ev.Subject) > MaxIDBytes:
			return reject(ReasonTooLarge, "subject has %d bytes; %d are allowed", len(ev.Subject), MaxIDBytes)
		}
	}
	switch {
	case ev.Base64:
		return reject(ReasonContentType, "the event has data_base64; %s needs JSON in data", s.Type)
	case !isJSON(ev.ContentType):
		return reject(ReasonContentType, "the data is %s; %s needs application/json", quoted(ev.ContentType), s.Type)
	case len(ev.Data) == 0:
		return reject(ReasonData, "data is missing; %s needs a JSON object there", s.Type)
	}
	out = out[:len(s.Fields)]
	if s.decodeFlat(ev.Data, out) {
		return nil
	}
	return s.decodePlain(ev.Data, out)
}

// decodePlain is the whole of reading data; decodeFlat must agree with it.
func (s *Shape) decodePlain(data []byte, out []Value) error {
	clear(out)
	seen := make([]bool, len(s.Fields))
	err := members(data, "data", ReasonData, func(name string, raw []byte) error {
		i := s.field(name)
		if i < 0 {
			return nil
		}
		seen[i] = true
		return s.Fields[i].decode(raw, &out[i])
	})
	if err != nil {
		return err
	}
	for i := range seen {
		if !seen[i] && !s.Fields[i].Optional {
			return reject(ReasonData, "data.%s is missing; it must be %s", s.Fields[i].Name, s.Fields[i].wanted())
		}
	}
	return nil
}

// field finds a field by its name, or gives -1. There are few.
func (s *Shape) field(name string) int {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

func (f *Field) decode(raw []byte, v *Value) error {
	switch f.Kind {
	case FieldInt:
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil || n < f.Min || n > f.Max {
			return f.wrong(raw)
		}
		v.N = n
		return nil
	case FieldSet:
		return f.decodeSet(raw, v)
	}
	if !isString(raw) {
		return f.wrong(raw)
	}
	text := unquote(raw)
	if f.Kind == FieldEnum {
		n := f.index(text)
		if n < 0 {
			return f.wrong(raw)
		}
		*v = Value{S: f.Values[n], N: int64(n)}
		return nil
	}
	switch {
	case text == "":
		return f.wrong(raw)
	case len(text) > MaxIDBytes:
		return reject(ReasonTooLarge, "data.%s has %d bytes; %d are allowed", f.Name, len(text), MaxIDBytes)
	case strings.IndexByte(text, 0) >= 0:
		return reject(ReasonData, "data.%s holds the character U+0000: %s", f.Name, quoted(text))
	}
	v.S = text
	return nil
}

// decodeSet counts the listed strings of an array, each once.
func (f *Field) decodeSet(raw []byte, v *Value) error {
	if raw[0] != '[' {
		return f.wrong(raw)
	}
	// raw was checked as part of the data, so that no read can fail.
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw))
	if _, err := dec.ReadToken(); err != nil {
		return badJSON("data."+f.Name, err)
	}
	seen := make([]bool, len(f.Values))
	for dec.PeekKind() != ']' {
		element, err := dec.ReadValue()
		if err != nil {
			return badJSON("data."+f.Name, err)
		}
		if !isString(element) {
			return reject(ReasonData, "data.%s holds %s; it must be %s", f.Name, shown(element), f.wanted())
		}
		if n := f.index(unquote(element)); n >= 0 && !seen[n] {
			seen[n] = true
			v.N++
		}
	}
	return nil
}

// index finds one of Values, or gives -1.
func (f *Field) index(text string) int {
	for i, value := range f.Values {
		if value == text {
			return i
		}
	}
	return -1
}

func (f *Field) wrong(raw []byte) error {
	return reject(ReasonData, "data.%s is %s; it must be %s", f.Name, shown(raw), f.wanted())
}

// wanted describes the field for people.
func (f *Field) wanted() string {
	switch f.Kind {
	case FieldInt:
		return "a whole number from " + strconv.FormatInt(f.Min, 10) + " to " + strconv.FormatInt(f.Max, 10)
	case FieldEnum:
		return "one of \"" + strings.Join(f.Values, "\", \"") + "\""
	case FieldSet:
		return "an array of strings"
	}
	return "a string of 1 to " + strconv.Itoa(MaxIDBytes) + " bytes"
}
