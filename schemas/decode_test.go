package schemas

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// rejected asserts that err is a *Reject for the reason, whose detail holds
// the words and is fit to be stored and shown.
func rejected(t *testing.T, err error, reason Reason, words string) {
	t.Helper()
	var r *Reject
	if !errors.As(err, &r) {
		t.Fatalf("error is %v; want a rejection for %s", err, reason)
	}
	if r.Reason != reason || !strings.Contains(r.Detail, words) {
		t.Errorf("rejected for %s: %q; want %s with %q", r.Reason, r.Detail, reason, words)
	}
	presentable(t, r)
}

func presentable(t *testing.T, r *Reject) {
	t.Helper()
	if r.Detail == "" || len(r.Detail) > 512 || !utf8.ValidString(r.Detail) || strings.ContainsAny(r.Detail, "\x00\n\x1b") {
		t.Errorf("detail is not fit to be stored: %q", r.Detail)
	}
}

// with gives the headers of a review with some changed; nil takes one out.
func with(changes map[string]any) []Header {
	var headers []Header
	for _, h := range reviewHeaders() {
		switch v, ok := changes[h.Key]; {
		case !ok:
			headers = append(headers, h)
		case v != nil:
			headers = append(headers, Header{h.Key, []byte(v.(string))})
		}
		delete(changes, h.Key)
	}
	for key, v := range changes {
		headers = append(headers, Header{key, []byte(v.(string))})
	}
	return headers
}

func TestDecodeBinary(t *testing.T) {
	var ev Event
	if err := Decode(reviewHeaders(), []byte(reviewData), &ev); err != nil {
		t.Fatal(err)
	}
	if ev.ID != "0198c1f2-77" || ev.Source != "/starview/web" || ev.Type != "starview.review.created" || ev.Subject != "u42" ||
		!ev.HasTime || ev.Time != 1772366401000000 || ev.ContentType != "application/json" || string(ev.Data) != reviewData {
		t.Errorf("decoded %+v", ev)
	}
}

func TestDecodeBinaryEdges(t *testing.T) {
	for name, c := range map[string]struct {
		headers []Header
		check   func(Event) bool
	}{
		"no time":               {with(map[string]any{"ce_time": nil}), func(ev Event) bool { return !ev.HasTime && ev.Time == 0 }},
		"null time":             {append(with(map[string]any{"ce_time": nil}), Header{"ce_time", nil}), func(ev Event) bool { return !ev.HasTime }},
		"no subject":            {with(map[string]any{"ce_subject": nil}), func(ev Event) bool { return ev.Subject == "" }},
		"empty subject":         {with(map[string]any{"ce_subject": ""}), func(ev Event) bool { return ev.Subject == "" }},
		"subject of any length": {with(map[string]any{"ce_subject": strings.Repeat("s", 5000)}), func(ev Event) bool { return len(ev.Subject) == 5000 }},
		"no content type":       {with(map[string]any{"content-type": nil}), func(ev Event) bool { return ev.ContentType == "" }},
		"foreign content type":  {with(map[string]any{"content-type": "image/png"}), func(ev Event) bool { return ev.ContentType == "image/png" }},
		"ids in any script":     {with(map[string]any{"ce_id": "星😀"}), func(ev Event) bool { return ev.ID == "星😀" }},
		"the longest id":        {with(map[string]any{"ce_id": strings.Repeat("i", MaxAttributeBytes)}), func(ev Event) bool { return len(ev.ID) == 512 }},
		"extensions":            {append(reviewHeaders(), Header{"ce_trace", []byte{0xff}}, Header{"other", nil}), func(ev Event) bool { return ev.ID == "0198c1f2-77" }},
		"ce_datacontenttype":    {append(reviewHeaders(), Header{"ce_datacontenttype", []byte("x")}), func(ev Event) bool { return ev.ContentType == "application/json" }},
	} {
		var ev Event
		if err := Decode(c.headers, []byte(reviewData), &ev); err != nil || !c.check(ev) {
			t.Errorf("%s: %v, %+v", name, err, ev)
		}
	}
	for _, value := range [][]byte{nil, {}} {
		ev := Event{Data: []byte("of the event before")}
		if err := Decode(reviewHeaders(), value, &ev); err != nil || ev.Data != nil {
			t.Errorf("value %v: %v, data %q; want none", value, err, ev.Data)
		}
	}
	var ev Event
	if err := Decode(reviewHeaders(), []byte("\x00\xff any bytes"), &ev); err != nil {
		t.Errorf("data that nobody asked for: %v", err)
	}
}

func TestDecodeBinaryRejects(t *testing.T) {
	long := strings.Repeat("é", 257) // 514 bytes
	for name, c := range map[string]struct {
		headers []Header
		reason  Reason
		words   string
	}{
		"no specversion":    {with(map[string]any{"ce_specversion": nil}), ReasonAttribute, "specversion is missing"},
		"old specversion":   {with(map[string]any{"ce_specversion": "0.3"}), ReasonAttribute, `specversion is "0.3"`},
		"no id":             {with(map[string]any{"ce_id": nil}), ReasonAttribute, "id is missing"},
		"empty id":          {with(map[string]any{"ce_id": ""}), ReasonAttribute, "id is empty"},
		"long id":           {with(map[string]any{"ce_id": long}), ReasonTooLarge, "id has 514 bytes; 512 are allowed"},
		"NUL in id":         {with(map[string]any{"ce_id": "a\x00b"}), ReasonAttribute, `id holds the character U+0000: "a\x00b"`},
		"id not UTF-8":      {with(map[string]any{"ce_id": "a\xffb"}), ReasonMalformed, `id is not UTF-8: "a\xffb"`},
		"no source":         {with(map[string]any{"ce_source": nil}), ReasonAttribute, "source is missing"},
		"long source":       {with(map[string]any{"ce_source": long}), ReasonTooLarge, "source has"},
		"no type":           {with(map[string]any{"ce_type": nil}), ReasonAttribute, "type is missing"},
		"long type":         {with(map[string]any{"ce_type": long}), ReasonTooLarge, "type has"},
		"NUL in subject":    {with(map[string]any{"ce_subject": "\x00"}), ReasonAttribute, "subject holds"},
		"subject not UTF-8": {with(map[string]any{"ce_subject": "\xed\xa0\x80"}), ReasonMalformed, "subject is not UTF-8"},
		"time":              {with(map[string]any{"ce_time": "yesterday"}), ReasonAttribute, `time is "yesterday"`},
		"empty time":        {with(map[string]any{"ce_time": ""}), ReasonAttribute, `time is ""`},
		"hostile time":      {with(map[string]any{"ce_time": strings.Repeat("\x1b\x00\xff\n", 999)}), ReasonAttribute, `time is "\x1b\x00\xff\n`},
		"time of letters":   {with(map[string]any{"ce_time": "x" + strings.Repeat("時", 99)}), ReasonAttribute, `\u6642"… (298 bytes)`},
		"wrong case":        {with(map[string]any{"ce_id": nil, "ce_ID": "x"}), ReasonAttribute, "id is missing"},
		"twice":             {append(reviewHeaders(), Header{"ce_id", []byte("other")}), ReasonMalformed, "ce_id is there twice"},
		"batch":             {with(map[string]any{"content-type": "application/cloudevents-batch+json"}), ReasonContentType, "batch"},
		"avro":              {with(map[string]any{"content-type": "application/cloudevents+avro"}), ReasonContentType, "avro"},
	} {
		t.Run(name, func(t *testing.T) {
			var ev Event
			rejected(t, Decode(c.headers, []byte(reviewData), &ev), c.reason, c.words)
		})
	}
	var ev Event
	rejected(t, Decode(reviewHeaders(), make([]byte, MaxValueBytes+1), &ev), ReasonTooLarge, "1048577 bytes")
	rejected(t, DecodeStructured(make([]byte, MaxValueBytes+1), &ev), ReasonTooLarge, "1048577 bytes")
}

func TestDecodeModes(t *testing.T) {
	ce := func(contentType string) []Header { return []Header{{"content-type", []byte(contentType)}} }
	for name, headers := range map[string][]Header{
		"nothing said":    nil,
		"foreign headers": {{"trace", []byte("1")}},
		"structured":      ce("application/cloudevents+json"),
		"with parameters": ce("Application/CloudEvents+JSON ; charset=utf-8"),
		"short":           ce("application/cloudevents"),
		"plain JSON":      ce("application/json"),
		"both":            with(map[string]any{"content-type": "application/cloudevents+json", "ce_id": "not this"}),
	} {
		var ev Event
		if err := Decode(headers, []byte(reviewEvent), &ev); err != nil || ev.ID != "0198c1f2-77" || string(ev.Data) != reviewData {
			t.Errorf("%s: %v, %+v", name, err, ev)
		}
	}
	var ev Event
	rejected(t, Decode[Header](nil, nil, &ev), ReasonMalformed, "the value is empty")
	rejected(t, Decode(ce("application/cloudevents"), []byte{}, &ev), ReasonMalformed, "the value is empty")
}

// clientHeader stands for a Kafka client's own header type.
type clientHeader struct {
	Key   string
	Value []byte
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	var headers []clientHeader
	for _, h := range reviewHeaders() {
		headers = append(headers, clientHeader(h))
	}
	data, structured, out := []byte(reviewData), []byte(reviewEvent), make([]Value, 4)
	var ev Event
	allocs := testing.AllocsPerRun(100, func() {
		if Decode(headers, data, &ev) != nil || reviewShape.Decode(&ev, out) != nil || DecodeStructured(structured, &ev) != nil {
			t.Error("rejected")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations; want none", allocs)
	}
}
