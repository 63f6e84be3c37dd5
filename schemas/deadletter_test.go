package schemas

import (
	"bytes"
	"reflect"
	"testing"
)

func deadLetters() []DeadLetter {
	return []DeadLetter{
		{ReasonMalformed, "the value is not JSON", "activity", 3, 17, 1772366401000},
		{ReasonTooLarge, "data.é has 256 bytes; 255 are allowed", "a.b-c", 1<<31 - 1, 1<<63 - 1, -1},
		{ReasonData, "", "activity", 0, 0, -1 << 63},
	}
}

func TestDeadLetterRoundTrip(t *testing.T) {
	originals := [][]clientHeader{
		{},
		{{"", nil}, {"ce_id", []byte{0xff, 0}}, {"ce_id", []byte{}}},
		// A dead letter that was redriven with its headers, and rejected again.
		DeadLetterHeaders([]clientHeader{{"k", []byte("v")}}, &deadLetters()[0]),
	}
	for _, want := range deadLetters() {
		for _, original := range originals {
			before := append([]clientHeader{}, original...)
			headers := DeadLetterHeaders(original[:len(original):cap(original)], &want)
			got, back, err := ParseDeadLetter(headers)
			if err != nil || got != want || len(back) != len(before) || len(back) > 0 && !reflect.DeepEqual(back, before) {
				t.Errorf("read %+v with %v, %v; want %+v with %v", got, back, err, want, before)
			}
		}
	}
}

// TestUnbury: the rejected record comes back from a letter, but from one that is too
// large, and from one of before letters had keys of their own. None has a null value,
// which would be a tombstone.
func TestUnbury(t *testing.T) {
	type buried = Buried[clientHeader]
	headers := []clientHeader{{ValueHeader, []byte("the record's own")}, {KeyHeader, nil}}
	for _, d := range deadLetters() {
		for _, key := range [][]byte{nil, {}, []byte("u1"), DeadLetterKey(&d)} {
			for _, value := range [][]byte{nil, {}, []byte("v")} {
				r := buried{key, value, headers}
				old := buried{[]byte("u1"), value, DeadLetterHeaders(headers, &d)}
				for what, tc := range map[string]struct{ letter, want buried }{
					"whole":     {Bury(r, &d, false), r},
					"too large": {Bury(r, &d, true), buried{Headers: []clientHeader{}}},
					"old":       {old, buried{[]byte("u1"), value, headers}},
				} {
					got, back, err := Unbury(tc.letter)
					if err != nil || got != d || !reflect.DeepEqual(back, tc.want) {
						t.Errorf("%s, %q: read %+v, %q, %v; want %+v, %q", what, r, got, back, err, d, tc.want)
					}
					if what != "old" && (tc.letter.Value == nil || string(tc.letter.Key) != string(DeadLetterKey(&d))) {
						t.Errorf("%s, %q: the letter is %q", what, r, tc.letter)
					}
				}
			}
		}
	}
	if _, _, err := Unbury(buried{Key: []byte("k"), Headers: headers}); err == nil {
		t.Error("a record that is no dead letter is read as one")
	}
	if key := string(DeadLetterKey(&deadLetters()[0])); key != "activity/3@17" {
		t.Errorf("the key of a dead letter is %s", key)
	}
}

func TestParseDeadLetterErrors(t *testing.T) {
	whole := DeadLetterHeaders[Header](nil, &deadLetters()[0])
	spoil := func(i int, h Header) []Header {
		headers := append([]Header{}, whole...)
		headers[i] = h
		return headers
	}
	for name, headers := range map[string][]Header{
		"none":          nil,
		"cut":           whole[:5],
		"another order": {whole[1], whole[0], whole[2], whole[3], whole[4], whole[5]},
		"more after":    append(append([]Header{}, whole...), Header{"x", nil}),
		"partition":     spoil(3, Header{PartitionHeader, []byte("2147483648")}),
		"offset":        spoil(4, Header{OffsetHeader, []byte("x")}),
		"timestamp":     spoil(5, Header{TimestampHeader, nil}),
		"a long number": spoil(4, Header{OffsetHeader, bytes.Repeat([]byte("9"), 1<<20)}),
	} {
		got, _, err := ParseDeadLetter(headers)
		if err == nil {
			t.Errorf("%s: read %+v", name, got)
			continue
		}
		boundedError(t, err)
	}
}

func TestDeadLetterHeadersCopies(t *testing.T) {
	room := make([]Header, 1, 16)
	room[0] = Header{"k", []byte("v")}
	first := DeadLetterHeaders(room, &deadLetters()[0])
	DeadLetterHeaders(room, &deadLetters()[1])
	if !bytes.Equal(first[1].Value, []byte("malformed")) {
		t.Errorf("the second record's headers overwrote the first's: %s", first[1].Value)
	}
}
