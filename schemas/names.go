package schemas

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Names reports whether a record, which need not be an event, names somebody of
// whom is says so: as its key, as a header's value, or as a string of its value,
// as far as that is JSON.
func Names[H ~struct {
	Key   string
	Value []byte
}](is func(string) bool, key, value []byte, headers []H) bool {
	if key != nil && is(string(key)) {
		return true
	}
	for _, h := range headers {
		if is(string(Header(h).Value)) {
			return true
		}
	}
	dec := jsontext.NewDecoder(bytes.NewReader(value), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return false
		}
		if token.Kind() == '"' && is(token.String()) {
			return true
		}
	}
}
