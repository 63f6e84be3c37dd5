package schemas

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cockroachdb/errors"
	"github.com/go-json-experiment/json/jsontext"
)

// The most bytes of a stranger's text that a detail quotes.
const quotedBytes = 48

// reject builds the one error that decoding returns.
func reject(reason Reason, format string, args ...any) error {
	return &Reject{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// quoted shows a stranger's text: short, on one line, and nothing in it that a
// terminal or Postgres would take ill.
func quoted[T string | []byte](text T) string {
	if len(text) <= quotedBytes {
		return strconv.QuoteToASCII(string(text))
	}
	cut := quotedBytes
	for cut > quotedBytes-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strconv.QuoteToASCII(string(text[:cut])) + "… (" + strconv.Itoa(len(text)) + " bytes)"
}

// shown names a valid JSON value for people: its kind, and itself if short.
func shown(raw []byte) string {
	switch jsontext.Value(raw).Kind() {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "the string " + quoted(unquote(raw))
	case '0':
		if len(raw) > quotedBytes {
			return "a number written with " + strconv.Itoa(len(raw)) + " characters"
		}
		return "the number " + string(raw)
	}
	return string(raw) // null, true, false
}

// badJSON says in people's words what jsontext found wrong.
func badJSON(what string, err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case !errors.As(err, &syntax), errors.Is(syntax.Err, io.ErrUnexpectedEOF):
		return reject(ReasonMalformed, "%s ends before its JSON does", what)
	case errors.Is(syntax.Err, jsontext.ErrDuplicateName):
		return reject(ReasonMalformed, "%s has the member %s twice", what, quoted(syntax.JSONPointer.LastToken()))
	}
	return reject(ReasonMalformed, "%s is not JSON: %s at byte %d", what, oneLine(syntax.Err.Error()), syntax.ByteOffset)
}

// oneLine keeps control characters and broken UTF-8 out of a library's words.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}
