package main

import (
	"bytes"
	"context"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/simulation"
	"github.com/badgestream/badgestream/schemas"
)

// exampleUser is who acts in the example event.
const exampleUser = "you"

// exampleEvent is an event that the catalogue takes: if there is one, such
// that a newcomer earns a badge by it at once. Types with data come first,
// as they say more.
func exampleEvent(ctx context.Context, cat *catalog.Catalog) string {
	best := ""
	for _, withData := range []bool{true, false} {
		for i := range cat.Events {
			e := &cat.Events[i]
			if e.Tick || (len(e.Shape.Fields) > 0) != withData {
				continue
			}
			line := exampleLine(&e.Shape)
			if earns(ctx, cat, line) {
				return line
			}
			if best == "" {
				best = line
			}
		}
	}
	return best
}

// exampleLine is an event of that shape, without a time: Kafka's record has one.
func exampleLine(shape *schemas.Shape) string {
	data := map[string]any{}
	for i := range shape.Fields {
		data[shape.Fields[i].Name] = exampleValue(&shape.Fields[i])
	}
	text, err := json.Marshal(struct {
		Version string         `json:"specversion"`
		ID      string         `json:"id"`
		Source  string         `json:"source"`
		Type    string         `json:"type"`
		Subject string         `json:"subject"`
		Data    map[string]any `json:"data"`
	}{"1.0", "my-first", "my-terminal", shape.Type, exampleUser, data}, json.Deterministic(true))
	if err != nil {
		return "" // maps of strings and numbers are always JSON
	}
	return string(text)
}

func exampleValue(f *schemas.Field) any {
	switch f.Kind {
	case schemas.FieldInt:
		return f.Max
	case schemas.FieldEnum:
		return f.Values[0]
	case schemas.FieldSet:
		return f.Values
	}
	return strings.ToLower(f.Name) + "-1"
}

// earns says whether the event alone earns its subject a badge.
func earns(ctx context.Context, cat *catalog.Catalog, line string) bool {
	line = strings.Replace(line, `"data":`, `"time":"2026-01-01T00:00:00Z","data":`, 1)
	var badges bytes.Buffer
	sim := simulation.New(simulation.Config{Catalog: cat, Batch: 1, Group: "example", Topic: "example"},
		simulation.Output{Badges: &badges, Rejected: func(int64, *schemas.Reject) error { return nil }})
	_, err := sim.Run(ctx, strings.NewReader(line+"\n"))
	return err == nil && strings.Contains(badges.String(), `"subject":"`+exampleUser+`"`)
}
