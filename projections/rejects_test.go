package projections

import (
	"bytes"
	"testing"

	"github.com/badgestream/badgestream/schemas"
)

// Any bytes of the column headers: they are read back as they were written, and
// what is no list of headers is refused.
func FuzzHeaders(f *testing.F) {
	f.Add([]byte{}, "ce_id", []byte("1"), false)
	f.Add([]byte{0, 0, 0, 1, 'k', 255, 255, 255, 255}, "", []byte{}, true)
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0}, "k\x00\xff", []byte("v"), false)
	f.Add([]byte{0, 0, 0, 9, 'k'}, "k", []byte("v"), false)
	f.Fuzz(func(t *testing.T, column []byte, key string, value []byte, null bool) {
		if null {
			value = nil
		} else if value == nil {
			value = []byte{}
		}
		headers, err := readHeaders(column)
		if err == nil && !bytes.Equal(appendHeaders(nil, headers), column) {
			t.Errorf("%v is read as %v", column, headers)
		}
		want := append(headers, schemas.Header{Key: key, Value: value})
		got, err := readHeaders(appendHeaders(nil, want))
		if err != nil || len(got) != len(want) || got[len(got)-1].Key != key || (got[len(got)-1].Value == nil) != null || !bytes.Equal(got[len(got)-1].Value, value) {
			t.Errorf("%v is read as %v, %v", want, got, err)
		}
	})
}
