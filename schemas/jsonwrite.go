package schemas

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// appendText appends a JSON string. What is no UTF-8 becomes U+FFFD: the
// decoder lets none in, so the error has nothing to tell.
func appendText(dst []byte, s string) []byte {
	if isPlain(s) {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"')
	}
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// isPlain reports whether a text stands in JSON as it is. Names and ids nearly
// always do, and quoting them the general way was most of making a snapshot.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// appendMember appends a member with a string, after what stands before it:
// lead is its name and all punctuation, as in `,"badge":`.
func appendMember(dst []byte, lead, s string) []byte {
	return appendText(append(dst, lead...), s)
}

func appendIntMember(dst []byte, lead string, n int64) []byte {
	return strconv.AppendInt(append(dst, lead...), n, 10)
}

func appendTimeMember(dst []byte, lead string, micros int64) []byte {
	dst = append(append(dst, lead...), '"')
	return append(AppendTime(dst, micros), '"')
}
