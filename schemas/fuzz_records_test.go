package schemas

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// boundedError wants an error to be short, on one line and in UTF-8, whatever a
// stranger wrote.
func boundedError(t *testing.T, err error) {
	t.Helper()
	if s := err.Error(); len(s) == 0 || len(s) > 1000 || !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\n\x1b") {
		t.Errorf("the error has %d bytes: %q", len(s), s)
	}
}

// Any attributes and data: an event says the same in binary and in structured
// mode, or is rejected in both.
func FuzzModes(f *testing.F) {
	f.Add("1.0", "0198c1f2", "/s", "t", "u", "2026-03-01T12:00:01Z", "application/json", []byte(reviewData))
	f.Add("0.3", "", "", "", "", "x", "text/plain", []byte(`[1]`))
	f.Add("1.0", "\"\\\n", "é", "t", "\u0000", "2026-02-29T00:00:00Z", "", []byte(`{"a":{"b":"\u00e9"}}`))
	f.Fuzz(func(t *testing.T, version, id, source, kind, subject, at, contentType string, data []byte) {
		names := []string{"specversion", "id", "source", "type", "subject", "time", "datacontenttype"}
		values := []string{version, id, source, kind, subject, at, contentType}
		structured := map[string]any{}
		var headers []Header
		for i, name := range names {
			if !utf8.ValidString(values[i]) {
				return // JSON has no way to say it
			}
			if structured[name] = values[i]; name == "datacontenttype" {
				headers = append(headers, Header{"content-type", []byte(values[i])})
			} else {
				headers = append(headers, Header{"ce_" + name, []byte(values[i])})
			}
		}
		if announced, _ := cloudEvent(contentType); announced || members(data, "data", ReasonData, func(string, []byte) error { return nil }) != nil {
			return
		}
		structured["data"] = json.RawMessage(data)
		text, err := json.Marshal(structured)
		if err != nil {
			t.Fatalf("we take the data, and encoding/json says: %v", err)
		}
		if len(text) > MaxValueBytes {
			return
		}
		var one, two Event
		err = Decode(headers, data, &one)
		checkError(t, err)
		if other := Decode([]Header{{"content-type", []byte("application/cloudevents+json")}}, text, &two); !reflect.DeepEqual(err, other) {
			t.Fatalf("binary: %v; structured: %v", err, other)
		}
		if err != nil {
			return
		}
		var d1, d2 any
		if json.Unmarshal(one.Data, &d1) != nil || json.Unmarshal(two.Data, &d2) != nil || !reflect.DeepEqual(d1, d2) {
			t.Errorf("data: %s in binary, %s in structured mode", one.Data, two.Data)
		}
		if one.Data, two.Data = nil, nil; !reflect.DeepEqual(one, two) {
			t.Errorf("binary: %+v; structured: %+v", one, two)
		}
		slices.Reverse(headers)
		var back Event
		if err := Decode(headers, data, &back); err != nil || back.ID != id || back.Time != one.Time {
			t.Errorf("with its headers the other way round it is %+v, %v", back, err)
		}
	})
}

// Any value and headers of the award topic: what is taken is written again, in
// both modes, and read as the same.
func FuzzDecodeBadgeEvent(f *testing.F) {
	e := awardOfFirstLight()
	f.Add("application/cloudevents+json", e.AppendStructured(nil))
	e.Revoked, e.User, e.Counters = true, "é\"", Numbers{}
	f.Add("application/cloudevents+json", e.AppendStructured(nil))
	f.Add("application/json", e.AppendData(nil))
	f.Add("", []byte(strings.Replace(string(e.AppendStructured(nil)), `"tier"`, `"new":[{}],"tier"`, 1)))
	f.Fuzz(func(t *testing.T, contentType string, value []byte) {
		headers := []Header{{"content-type", []byte(contentType)}}
		if structured, _ := cloudEvent(contentType); !structured {
			headers = BinaryHeaders[Header](&e)
		}
		before := bytes.Clone(value)
		var first BadgeEvent
		err := DecodeBadgeEvent(headers, value, &first)
		checkError(t, err)
		if !bytes.Equal(before, value) {
			t.Fatal("reading wrote to the record")
		}
		if err != nil {
			return
		}
		clear(value) // it keeps nothing of the record
		var again BadgeEvent
		if err := DecodeBadgeEvent[Header](nil, first.AppendStructured(nil), &again); err != nil || !same(&first, &again) {
			t.Errorf("read %+v; written and read again %+v, %v", first, again, err)
		}
		if err := DecodeBadgeEvent(BinaryHeaders[Header](&first), first.AppendData(nil), &again); err != nil || !same(&first, &again) {
			t.Errorf("read %+v; written in binary mode and read again %+v, %v", first, again, err)
		}
	})
}

func same(a, b *BadgeEvent) bool {
	return bytes.Equal(a.AppendStructured(nil), b.AppendStructured(nil))
}

// Any text: a ledger row that is taken names a range, and reads the same when
// written again.
func FuzzLedgerRow(f *testing.F) {
	for _, row := range ledgerRows() {
		f.Add(row.Append(nil))
	}
	f.Add([]byte(`{"number":1,"topic":"t","group":"g","from":5,"to":4}`))
	f.Add([]byte(`{"number":1,"topic":"t","group":"g","from":-1,"to":1,"partition":-1,"from_step":-1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		row, err := ParseLedgerRow(text)
		if err != nil {
			boundedError(t, err)
			return
		}
		if row.Number <= 0 || row.Topic == "" || row.Group == "" || row.Partition < 0 || row.From < 0 || row.To < row.From ||
			row.FromStep < 0 || row.ToStep < 0 || row.FromOrdinal < 0 || row.ToOrdinal < 0 || row.Due < 0 {
			t.Errorf("%s is no range, and is read as %+v", text, row)
		}
		if again, err := ParseLedgerRow(row.Append(nil)); err != nil || again != row {
			t.Errorf("read %+v; written and read again %+v, %v", row, again, err)
		}
	})
}

// cut makes headers of text: key, value, key, value …, each after its length in
// one byte; a value of length 255 is null.
func cut(text []byte) (headers []Header) {
	part := func() []byte {
		if len(text) == 0 || text[0] == 255 {
			text = text[min(1, len(text)):]
			return nil
		}
		n := min(int(text[0]), len(text)-1)
		p := text[1 : 1+n : 1+n]
		text = text[1+n:]
		return append([]byte{}, p...)
	}
	for len(text) > 0 {
		headers = append(headers, Header{string(part()), part()})
	}
	return headers
}

// Any headers: a dead letter gives its record's own headers back, byte for byte,
// and what is no dead letter is not taken for one.
func FuzzDeadLetter(f *testing.F) {
	for _, d := range deadLetters() {
		f.Add([]byte("\x05ce_id\x01a\x01k\xff"), string(d.Reason), d.Detail, d.Topic, d.Partition, d.Offset, d.Timestamp)
	}
	f.Add([]byte("\x12badgestream-reason\x01x\x12badgestream-detail\x01x\x11badgestream-topic\x01t\x15badgestream-partition\x01\x00\x12badgestream-offset\x01x\x15badgestream-timestamp\xff"),
		"", "", "", int32(0), int64(0), int64(0))
	f.Add([]byte("\x12badgestream-reason\x04data\x12badgestream-detail\x01x\x11badgestream-topic\x01t"), "", "\xff\x00", "", int32(-1), int64(-1), int64(1))
	f.Fuzz(func(t *testing.T, text []byte, reason, detail, topic string, partition int32, offset, timestamp int64) {
		original := cut(text)
		want := DeadLetter{Reason(reason), detail, topic, partition, offset, timestamp}
		letter := DeadLetterHeaders(original, &want)
		got, back, err := ParseDeadLetter(letter)
		if err != nil || got != want || len(back) != len(original) || len(back) > 0 && !reflect.DeepEqual(back, original) {
			t.Fatalf("read %+v with %v, %v; want %+v with %v", got, back, err, want, original)
		}
		if len(original) < deadLetterHeaders {
			if _, _, err := ParseDeadLetter(original); err == nil {
				t.Errorf("%v is read as a dead letter", original)
			}
		}
		// The last header is not ours: it is none.
		if _, _, err := ParseDeadLetter(append(letter, Header{"x", []byte(topic)})); err == nil {
			t.Errorf("a header after badgestream's own passes")
		}
		if _, _, err := ParseDeadLetter(original); err != nil {
			boundedError(t, err)
		}
	})
}

// Any text of Redis: a catalogue's view that is taken completes any snapshot
// that is taken, and the progress is JSON of every badge once.
func FuzzProgress(f *testing.F) {
	view := `{"version":2,"counters":["visits","days"],"ages":["days"],"badges":[{"slug":"a","tier":1,"thresholds":[{"label":"visits","at_least":3}]},` +
		`{"slug":"b","thresholds":[{"label":"days","at_least":30}]}],"groups":[{"category":"C","criterion":"V","badges":["a","b"]}]}`
	for _, s := range append(snapshots(), shownOften()) {
		f.Add([]byte(view), s.Append(nil), int64(1772366401_000_000))
	}
	f.Add([]byte(`{"groups":[{"badges":["a","a"]}],"badges":[{"slug":"a"},{"slug":"a"}],"ages":["x","x"],"counters":["x","x"]}`),
		[]byte(`{"order":"0000000001.00000000000000000001","user":"u","epoch":1,"version":1,"since":{"x":"0000-01-01T00:00:00Z"}}`), MaxTime)
	f.Fuzz(func(t *testing.T, viewText, text []byte, now int64) {
		v, err := ParseCatalogView(viewText)
		if err != nil {
			boundedError(t, err)
			return
		}
		s, err := ParseSnapshot(text)
		if err != nil {
			boundedError(t, err)
			return
		}
		p := NewCompleter(v).Progress(s, now)
		shown, err := json.Marshal(p)
		if err != nil || !json.Valid(shown) {
			t.Fatalf("the progress is no JSON: %v", err)
		}
		// What a page shows is bounded by what it was made of.
		if len(shown) > 8*(len(viewText)+len(text))+1000 {
			t.Errorf("%d bytes of progress are made of %d and %d", len(shown), len(viewText), len(text))
		}
	})
}
