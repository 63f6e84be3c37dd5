package differential

import (
	"bytes"

	"github.com/badgestream/badgestream/schemas"
)

// Poison makes of a structured event one that is none, of each kind that there
// is: the reason for which it is rejected, by what was done to it.
func Poison(value []byte) map[string]struct {
	Reason schemas.Reason
	Record Record
} {
	type poisoned = struct {
		Reason schemas.Reason
		Record Record
	}
	structured := []schemas.Header{{Key: "content-type", Value: []byte("application/cloudevents+json")}}
	change := func(old, now string) Record {
		return Record{Value: bytes.Replace(value, []byte(old), []byte(now), 1), Headers: structured}
	}
	long := string(bytes.Repeat([]byte("x"), schemas.MaxAttributeBytes+1))
	return map[string]poisoned{
		"empty":             {schemas.ReasonMalformed, Record{Headers: structured}},
		"cut":               {schemas.ReasonMalformed, Record{Value: value[:len(value)/2], Headers: structured}},
		"not UTF-8":         {schemas.ReasonMalformed, change(`"source":"`, "\"source\":\"\xff")},
		"a member twice":    {schemas.ReasonMalformed, change(`"source":`, `"source":"/x","source":`)},
		"a header twice":    {schemas.ReasonMalformed, Record{Value: value, Headers: append(structured, structured...)}},
		"more after it":     {schemas.ReasonMalformed, Record{Value: append(bytes.Clone(value), '}'), Headers: structured}},
		"another version":   {schemas.ReasonAttribute, change(`"specversion":"1.0"`, `"specversion":"0.3"`)},
		"no id":             {schemas.ReasonAttribute, change(`"id":`, `"x":`)},
		"no subject":        {schemas.ReasonAttribute, change(`"subject":`, `"x":`)},
		"a NUL":             {schemas.ReasonAttribute, change(`"subject":"`, `"subject":"\u0000`)},
		"no such time":      {schemas.ReasonAttribute, change(`"time":"`, `"time":"x`)},
		"XML":               {schemas.ReasonContentType, change(`"data":`, `"datacontenttype":"text/xml","data":`)},
		"base64":            {schemas.ReasonContentType, change(`"data":`, `"data_base64":"AA==","x":`)},
		"a batch":           {schemas.ReasonContentType, Record{Value: value, Headers: []schemas.Header{{Key: "content-type", Value: []byte("application/cloudevents-batch+json")}}}},
		"no data":           {schemas.ReasonData, change(`"data":`, `"x":`)},
		"data is a list":    {schemas.ReasonData, change(`"data":{`, `"data":[],"x":{`)},
		"a long id":         {schemas.ReasonTooLarge, change(`"id":"`, `"id":"`+long)},
		"a long subject":    {schemas.ReasonTooLarge, change(`"subject":"`, `"subject":"`+long)},
		"a value over 1 MB": {schemas.ReasonTooLarge, Record{Value: append(bytes.Clone(value), bytes.Repeat([]byte(" "), schemas.MaxValueBytes)...), Headers: structured}},
	}
}

// spoil makes of a record one that is mostly none.
func (t *traffic) spoil(rec *Record) {
	change := func(old, now string) { rec.Value = bytes.Replace(rec.Value, []byte(old), []byte(now), 1) }
	switch t.IntN(7) {
	case 0:
		rec.Value = rec.Value[:t.IntN(len(rec.Value))]
	case 1:
		rec.Headers = append(rec.Headers, one(t.Rand, rec.Headers))
	case 2:
		i := t.IntN(len(rec.Headers))
		rec.Headers = append(rec.Headers[:i:i], rec.Headers[i+1:]...)
	case 3:
		i := t.IntN(len(rec.Headers))
		rec.Headers[i].Value = append([]byte{}, one(t.Rand, []string{"", "\xff", "x", "text/xml", "9999-12-31T23:59:60Z"})...)
	case 4:
		change(`"`+one(t.Rand, []string{"who", "what", "n", "mood", "parts", "data", "subject", "id"})+`":`, `"x":`)
	case 5:
		rec.Value[t.IntN(len(rec.Value))] ^= byte(1 + t.IntN(255))
	case 6:
		change(`":`, `": [], "y":`)
	}
}
