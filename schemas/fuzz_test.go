package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

// checkError asserts that decoding fails in no way but by a presentable *Reject.
func checkError(t *testing.T, err error) {
	t.Helper()
	var r *Reject
	if err == nil {
		return
	}
	if !errors.As(err, &r) {
		t.Fatalf("error %T: %v", err, err)
	}
	presentable(t, r)
}

// Any value: the fast way takes nothing that the plain one refuses, the two
// say the same, and encoding/json, which shares no code with either, reads
// the same event.
func FuzzStructured(f *testing.F) {
	for _, seed := range []string{reviewEvent, event(``), event(`,"data":{"a":["x"],"b":-1,"c":null}`), event(`,"subject":"\ud83d\ude00"`),
		event(`,"data_base64":"AA=="`), event(`,"id":1`), ` {"a" : 1 , } `, `[]`, event(`,"time":"2026-03-01T12:00:01+01:00"`)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		before := bytes.Clone(value)
		var fast, plain Event
		err, plainErr := DecodeStructured(value, &fast), decodePlain(value, &plain)
		checkError(t, err)
		if !reflect.DeepEqual(err, plainErr) {
			t.Fatalf("fast: %v; plain: %v", err, plainErr)
		}
		if !bytes.Equal(before, value) {
			t.Fatal("decoding wrote to the record")
		}
		if err != nil {
			return
		}
		if !reflect.DeepEqual(fast, plain) {
			t.Fatalf("fast: %+v; plain: %+v", fast, plain)
		}
		var want map[string]any
		if err := json.Unmarshal(value, &want); err != nil {
			t.Fatalf("taken, and encoding/json says: %v", err)
		}
		if want["specversion"] != "1.0" || want["id"] != fast.ID || want["source"] != fast.Source || want["type"] != fast.Type {
			t.Errorf("decoded %+v; encoding/json has %v", fast, want)
		}
		if fast.Data != nil {
			var data any
			if err := json.Unmarshal(fast.Data, &data); err != nil || !reflect.DeepEqual(data, want["data"]) {
				t.Errorf("data %s: %v; encoding/json has %v", fast.Data, err, want["data"])
			}
		}
	})
}

// Any data: the fast way and the plain one agree, and encoding/json reads the
// same fields.
func FuzzData(f *testing.F) {
	for _, seed := range []string{`{"id":"L1","n":3,"way":"up"}`, `{"id":"星","n":-5,"way":"é","filled":["bio","bio"],"note":"x"}`,
		`{"i\u0064":"a","n":-0,"way":"up","x":[{}]}`, `{"id":"a","n":1e3,"way":"up"}`, `{"id":"a","id":"a"}`, `null`, `{"filled":[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fast, plain := make([]Value, len(sample.Fields)), make([]Value, len(sample.Fields))
		ok := sample.decodeFlat(data, fast)
		err := sample.decodePlain(data, plain)
		checkError(t, err)
		if ok && err != nil {
			t.Fatalf("the fast way takes it; plain: %v", err)
		}
		if err != nil {
			return
		}
		if ok && !reflect.DeepEqual(fast, plain) {
			t.Fatalf("fast: %+v; plain: %+v", fast, plain)
		}
		want := map[string]json.RawMessage{}
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("taken, and encoding/json says: %v", err)
		}
		var id, way string
		var n int64
		if json.Unmarshal(want["id"], &id) != nil || json.Unmarshal(want["n"], &n) != nil || json.Unmarshal(want["way"], &way) != nil ||
			plain[0].S != id || plain[1].N != n || plain[2].S != way || sample.Fields[2].Values[plain[2].N] != way {
			t.Errorf("decoded %+v; encoding/json has %s", plain, want)
		}
	})
}

// Any headers and value: nothing panics, and what is taken is fit for Postgres.
func FuzzBinary(f *testing.F) {
	f.Add("0198c1f2", "/s", "t", "u", "2026-03-01T12:00:01Z", "application/json", "x", []byte(reviewData))
	f.Add("", "", "", "", "", "application/cloudevents+json", "ce_id", []byte(reviewEvent))
	f.Add("\x00", "\xff", "t", "u", "x", "application/cloudevents-batch", "ce_source", []byte(nil))
	f.Fuzz(func(t *testing.T, id, source, kind, subject, at, contentType, key string, value []byte) {
		headers := []Header{{"ce_specversion", []byte("1.0")}, {"ce_id", []byte(id)}, {"ce_source", []byte(source)}, {"ce_type", []byte(kind)},
			{"ce_subject", []byte(subject)}, {"ce_time", []byte(at)}, {"content-type", []byte(contentType)}, {key, nil}}
		var ev Event
		err := Decode(headers, value, &ev)
		checkError(t, err)
		if err != nil {
			return
		}
		for name, s := range map[string]string{"id": ev.ID, "source": ev.Source, "type": ev.Type, "subject": ev.Subject} {
			if clean(name, s) != nil || name != "subject" && (s == "" || len(s) > MaxAttributeBytes) {
				t.Errorf("%s is %q", name, s)
			}
		}
		if structured, _ := cloudEvent(contentType); !structured && (ev.ID != id || ev.Subject != subject) {
			t.Errorf("decoded %+v of id %q and subject %q", ev, id, subject)
		}
		checkError(t, sample.Decode(&ev, make([]Value, len(sample.Fields))))
	})
}
