package traffic

import (
	"strconv"

	"github.com/badgestream/badgestream/schemas"
)

// source is the CloudEvents source of all traffic.
const source = "/starview/traffic"

// prefix begins the type of all traffic.
const prefix = "starview."

// Event is one activity event. What it holds needs no escaping in JSON.
type Event struct {
	ID      string
	Type    string
	Subject string
	Time    int64  // Unix microseconds
	Data    []byte // JSON
}

// AppendStructured appends the event in structured mode, on one line without
// its end.
func (e *Event) AppendStructured(dst []byte) []byte {
	dst = append(append(dst, `{"specversion":"1.0","id":"`...), e.ID...)
	dst = append(dst, `","source":"`+source+`","type":"`...)
	dst = append(append(dst, e.Type...), `","subject":"`...)
	dst = append(append(dst, e.Subject...), `","time":"`...)
	dst = schemas.AppendTime(dst, e.Time)
	dst = append(dst, `","datacontenttype":"application/json","data":`...)
	return append(append(dst, e.Data...), '}')
}

// Headers are those of the event in binary mode; the record's key is Subject
// and its value Data.
func (e *Event) Headers() []schemas.Header {
	return []schemas.Header{
		{Key: "ce_specversion", Value: []byte("1.0")},
		{Key: "ce_id", Value: []byte(e.ID)},
		{Key: "ce_source", Value: []byte(source)},
		{Key: "ce_type", Value: []byte(e.Type)},
		{Key: "ce_subject", Value: []byte(e.Subject)},
		{Key: "ce_time", Value: schemas.AppendTime(nil, e.Time)},
		{Key: "content-type", Value: []byte("application/json")},
	}
}

// field is one member of the data: a text, or a number where the text is
// empty.
type field struct {
	name, text string
	number     int
}

func text(name, value string) field         { return field{name: name, text: value} }
func number(name string, value int) field   { return field{name: name, number: value} }
func object(fields ...field) []byte         { return appendFields(make([]byte, 0, 96), fields) }
func raw(json string) []byte                { return []byte(json) }
func id(prefix string, number int32) string { return prefix + strconv.Itoa(int(number)) }

func appendFields(dst []byte, fields []field) []byte {
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), f.name...), `":`...)
		if f.text == "" {
			dst = strconv.AppendInt(dst, int64(f.number), 10)
			continue
		}
		dst = append(append(append(dst, '"'), f.text...), '"')
	}
	return append(dst, '}')
}
