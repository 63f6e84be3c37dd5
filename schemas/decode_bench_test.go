package schemas_test

import (
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/traffic"
	"github.com/badgestream/badgestream/schemas"
)

// BenchmarkDecode reads events as the engine does: the attributes, and then
// the data by the shape of its type. The events are what a Starview community
// does once it has settled, all types in their mix. One operation is one event.
func BenchmarkDecode(b *testing.B) {
	cat, err := catalog.Load("starview")
	if err != nil {
		b.Fatal(err)
	}
	events := settled(b, 2000)
	most := 0
	for i := range cat.Events {
		most = max(most, len(cat.Events[i].Shape.Fields))
	}
	values := make([]schemas.Value, most)
	data := func(b *testing.B, ev *schemas.Event) {
		shape := &cat.Events[cat.Types[ev.Type]].Shape
		if err := shape.Decode(ev, values[:len(shape.Fields)]); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("binary", func(b *testing.B) {
		headers := make([][]schemas.Header, len(events))
		for i := range events {
			headers[i] = events[i].Headers()
		}
		var ev schemas.Event
		b.ReportAllocs()
		for i := 0; b.Loop(); i = (i + 1) % len(events) {
			if err := schemas.Decode(headers[i], events[i].Data, &ev); err != nil {
				b.Fatal(err)
			}
			data(b, &ev)
		}
	})
	b.Run("structured", func(b *testing.B) {
		lines := make([][]byte, len(events))
		for i := range events {
			lines[i] = events[i].AppendStructured(nil)
		}
		var ev schemas.Event
		b.ReportAllocs()
		for i := 0; b.Loop(); i = (i + 1) % len(events) {
			if err := schemas.DecodeStructured(lines[i], &ev); err != nil {
				b.Fatal(err)
			}
			data(b, &ev)
		}
	})
}

// settled gives the last n events of a community's beginnings: by then most of
// its users are there.
func settled(b *testing.B, n int) []traffic.Event {
	b.Helper()
	world, err := traffic.New(traffic.Config{Seed: 1, Users: 1000})
	if err != nil {
		b.Fatal(err)
	}
	const before = 10_000
	for i := range before {
		world.Next(int64(i) * 1000)
	}
	events := make([]traffic.Event, n)
	for i := range events {
		events[i] = world.Next(int64(before+i) * 1000)
	}
	return events
}
