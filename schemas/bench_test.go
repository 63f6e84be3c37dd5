package schemas

import "testing"

// What a review looks like in Starview: three ids and a small number.
var reviewShape = Shape{Type: "starview.review.created", Fields: []Field{
	{Name: "review", Kind: FieldID},
	{Name: "location", Kind: FieldID},
	{Name: "location_owner", Kind: FieldID},
	{Name: "rating", Kind: FieldInt, Min: 1, Max: 5},
}}

const reviewData = `{"review":"R17","location":"L4711","location_owner":"u1234","rating":4}`

func reviewHeaders() []Header {
	return []Header{
		{"ce_specversion", []byte("1.0")}, {"ce_id", []byte("0198c1f2-77")}, {"ce_source", []byte("/starview/web")},
		{"ce_type", []byte("starview.review.created")}, {"ce_subject", []byte("u42")},
		{"ce_time", []byte("2026-03-01T12:00:01.000Z")}, {"content-type", []byte("application/json")},
	}
}

const reviewEvent = `{"specversion":"1.0","id":"0198c1f2-77","source":"/starview/web","type":"starview.review.created","subject":"u42",` +
	`"time":"2026-03-01T12:00:01.000Z","datacontenttype":"application/json","data":` + reviewData + `}`

func BenchmarkBinary(b *testing.B) {
	headers, data, out := reviewHeaders(), []byte(reviewData), make([]Value, 4)
	var ev Event
	b.Run("attributes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := Decode(headers, data, &ev); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("data-flat", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := reviewShape.Decode(&ev, out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("data-jsontext", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := reviewShape.decodePlain(ev.Data, out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("whole", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := Decode(headers, data, &ev); err != nil {
				b.Fatal(err)
			}
			if err := reviewShape.Decode(&ev, out); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkStructured(b *testing.B) {
	value := []byte(reviewEvent)
	for name, decode := range map[string]func([]byte, *Event) error{"flat": DecodeStructured, "jsontext": decodePlain} {
		b.Run(name, func(b *testing.B) {
			var ev Event
			b.ReportAllocs()
			for b.Loop() {
				if err := decode(value, &ev); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	e, s := awardOfFirstLight(), snapshots()[1]
	buf := make([]byte, 0, 4096)
	b.Run("badge-event", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = e.AppendStructured(buf[:0])
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = s.Append(buf[:0])
		}
	})
	b.Run("parse-snapshot", func(b *testing.B) {
		text := s.Append(nil)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseSnapshot(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
