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

// TestDeadLetterRecords: the rejected record's own key and headers come back from
// a letter, from one without them, and from one that was written before letters had
// keys of their own.
func TestDeadLetterRecords(t *testing.T) {
	headers := []clientHeader{{KeyHeader, []byte("the record's own")}, {"k", nil}}
	for _, d := range deadLetters() {
		for _, key := range [][]byte{nil, {}, []byte("u1"), DeadLetterKey(&d)} {
			for what, letter := range map[string]struct {
				key, wantKey  []byte
				headers, want []clientHeader
			}{
				"whole":         {DeadLetterKey(&d), key, KeyedDeadLetterHeaders(key, headers, &d), headers},
				"without":       {DeadLetterKey(&d), nil, DeadLetterHeaders[clientHeader](nil, &d), []clientHeader{}},
				"of an old one": {[]byte("u1"), []byte("u1"), DeadLetterHeaders(headers, &d), headers},
			} {
				got, gotKey, gotHeaders, err := ParseDeadLetterRecord(letter.key, letter.headers)
				if err != nil || got != d || !reflect.DeepEqual(gotKey, letter.wantKey) || !reflect.DeepEqual(gotHeaders, letter.want) {
					t.Errorf("%s, key %q: read %+v, key %q, headers %v, %v; want %+v, key %q, headers %v", what, key, got, gotKey, gotHeaders, err, d, letter.wantKey, letter.want)
				}
			}
		}
	}
	if _, _, _, err := ParseDeadLetterRecord([]byte("k"), headers); err == nil {
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
