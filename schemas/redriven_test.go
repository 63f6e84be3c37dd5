package schemas_test

import (
	"testing"

	"github.com/badgestream/badgestream/schemas"
)

// TestRedriven: only a header that names an earlier record of the same
// partition says for which one a record stands.
func TestRedriven(t *testing.T) {
	for _, tc := range []struct {
		values []string
		want   int64
		ok     bool
	}{
		{nil, 0, false},
		{[]string{"a/b/3@17"}, 17, true},
		{[]string{"a/b/3@0"}, 0, true},
		{[]string{"a/b/3@20"}, 0, false}, // itself
		{[]string{"a/b/3@21"}, 0, false},
		{[]string{"a/b/2@17"}, 0, false},
		{[]string{"b/3@17"}, 0, false},
		{[]string{"a/b/3@-1"}, 0, false},
		{[]string{"a/b/3@x"}, 0, false},
		{[]string{"a/b/3@17", "nonsense"}, 0, false},
		{[]string{"a/b/3@17", "a/b/3@18"}, 18, true},
	} {
		headers := []schemas.Header{{Key: "ce_id", Value: []byte("1")}}
		for _, v := range tc.values {
			headers = append(headers, schemas.Header{Key: schemas.RedrivenHeader, Value: []byte(v)})
		}
		if got, ok := schemas.Redriven(headers, "a/b", 3, 20); got != tc.want || ok != tc.ok {
			t.Errorf("%q: %d, %v, want %d, %v", tc.values, got, ok, tc.want, tc.ok)
		}
	}
}
