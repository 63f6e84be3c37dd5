package schemas

import (
	"strings"
	"testing"
)

var sample = Shape{Type: "sample", Fields: []Field{
	{Name: "id", Kind: FieldID},
	{Name: "n", Kind: FieldInt, Min: -5, Max: 1_000_000_000_000_000_000},
	{Name: "way", Kind: FieldEnum, Values: []string{"up", "down", "é"}},
	{Name: "filled", Kind: FieldSet, Values: []string{"bio", "picture"}, Optional: true},
	{Name: "note", Kind: FieldID, Optional: true},
}}

func sampleEvent(data string) *Event {
	return &Event{ID: "e", Source: "/s", Type: "sample", Subject: "u", Data: []byte(data)}
}

func TestShapeDecode(t *testing.T) {
	least := []Value{{S: "L1"}, {N: 3}, {S: "up"}, {}, {}}
	for name, c := range map[string]struct {
		data string
		want []Value
	}{
		"least":              {`{"id":"L1","n":3,"way":"up"}`, least},
		"any order":          {`{"way":"up","n":3,"id":"L1"}`, least},
		"spaced":             {" {\t\"id\" : \"L1\" ,\r\n\"n\" : 3 , \"way\" : \"up\" } ", least},
		"unknown members":    {`{"x":{"id":"no"},"id":"L1","ID":7,"n":3,"way":"up","y":[1,{"n":4}],"z":1e400}`, least},
		"escapes":            {`{"i\u0064":"L\u0031","n":3,"way":"\u0075p"}`, least},
		"all":                {`{"id":"星","n":-5,"way":"é","filled":["bio"],"note":"x"}`, []Value{{S: "星"}, {N: -5}, {S: "é", N: 2}, {N: 1}, {S: "x"}}},
		"largest":            {`{"id":"L1","n":1000000000000000000,"way":"down"}`, []Value{{S: "L1"}, {N: 1e18}, {S: "down", N: 1}, {}, {}}},
		"minus zero":         {`{"id":"L1","n":-0,"way":"up"}`, []Value{{S: "L1"}, {N: 0}, {S: "up"}, {}, {}}},
		"set with others":    {`{"id":"L1","n":3,"way":"up","filled":["bio","","location","bio","picture","Bio"]}`, []Value{{S: "L1"}, {N: 3}, {S: "up"}, {N: 2}, {}}},
		"escaped in set":     {`{"id":"L1","n":3,"way":"up","filled":["\u0062io","bio"]}`, []Value{{S: "L1"}, {N: 3}, {S: "up"}, {N: 1}, {}}},
		"escape after a set": {`{"filled":["bio"],"id":"L1","n":3,"way":"\u0075p"}`, []Value{{S: "L1"}, {N: 3}, {S: "up"}, {N: 1}, {}}},
		"empty set":          {`{"id":"L1","n":3,"way":"up","filled":[ ]}`, least},
		"longest id":         {`{"id":"` + strings.Repeat("x", 255) + `","n":3,"way":"up"}`, []Value{{S: strings.Repeat("x", 255)}, {N: 3}, {S: "up"}, {}, {}}},
		"spaces in ids":      {`{"id":" ","n":3,"way":"up"}`, []Value{{S: " "}, {N: 3}, {S: "up"}, {}, {}}},
	} {
		t.Run(name, func(t *testing.T) {
			out := []Value{{S: "stale", N: 9}, {S: "stale", N: 9}, {S: "stale", N: 9}, {S: "stale", N: 9}, {S: "stale", N: 9}}
			if err := sample.Decode(sampleEvent(c.data), out); err != nil {
				t.Fatal(err)
			}
			for i := range out {
				if out[i] != c.want[i] {
					t.Errorf("field %s is %+v; want %+v", sample.Fields[i].Name, out[i], c.want[i])
				}
			}
		})
	}
}

func TestShapeDecodeRejects(t *testing.T) {
	const way = `,"way":"up"}`
	for name, c := range map[string]struct {
		data   string
		reason Reason
		words  string
	}{
		"no data":          {``, ReasonData, "data is missing"},
		"null":             {`null`, ReasonData, `data is not a JSON object but "null"`},
		"array":            {`[{"id":"L1"}]`, ReasonData, "data is not a JSON object"},
		"a string of JSON": {`"{\"id\":\"L1\"}"`, ReasonData, "data is not a JSON object"},
		"not JSON":         {`id=L1`, ReasonMalformed, "data is not JSON"},
		"trailing":         {`{"id":"L1","n":3,"way":"up"}x`, ReasonMalformed, "data goes on after"},
		"no comma":         {`{"id":"L1" "n":3,"way":"up"}`, ReasonMalformed, "data is not JSON"},
		"no colon":         {`{"id" "L1","n":3,"way":"up"}`, ReasonMalformed, "data is not JSON"},
		"twice":            {`{"id":"L1","n":3,"n":3,"way":"up"}`, ReasonMalformed, `the member "n" twice`},
		"unknown twice":    {`{"id":"L1","n":3,"x":1,"x":1,"way":"up"}`, ReasonMalformed, `the member "x" twice`},
		"nothing":          {`{}`, ReasonData, "data.id is missing; it must be a string of 1 to 255 bytes"},
		"case":             {`{"Id":"L1","n":3` + way, ReasonData, "data.id is missing"},
		"id empty":         {`{"id":"","n":3` + way, ReasonData, `data.id is the string ""`},
		"id number":        {`{"id":5,"n":3` + way, ReasonData, "data.id is the number 5; it must be a string"},
		"id null":          {`{"id":null,"n":3` + way, ReasonData, "data.id is null"},
		"id object":        {`{"id":{"a":1},"n":3` + way, ReasonData, "data.id is an object"},
		"id long":          {`{"id":"` + strings.Repeat("x", 256) + `","n":3` + way, ReasonTooLarge, "data.id has 256 bytes; 255 are allowed"},
		"id long escaped":  {`{"id":"` + strings.Repeat(`\u661f`, 86) + `","n":3` + way, ReasonTooLarge, "data.id has 258 bytes"},
		"id with NUL":      {`{"id":"a\u0000","n":3` + way, ReasonData, "data.id holds the character U+0000"},
		"id surrogate":     {`{"id":"\ud800","n":3` + way, ReasonMalformed, "data is not JSON"},
		"id not UTF-8":     {"{\"id\":\"\xff\",\"n\":3" + way, ReasonMalformed, "UTF-8"},
		"n missing":        {`{"id":"L1"` + way, ReasonData, "data.n is missing; it must be a whole number from -5 to 1000000000000000000"},
		"n fraction":       {`{"id":"L1","n":4.5` + way, ReasonData, "data.n is the number 4.5"},
		"n point":          {`{"id":"L1","n":4.0` + way, ReasonData, "data.n is the number 4.0"},
		"n exponent":       {`{"id":"L1","n":1e3` + way, ReasonData, "data.n is the number 1e3"},
		"n true":           {`{"id":"L1","n":true` + way, ReasonData, "data.n is true"},
		"n string":         {`{"id":"L1","n":"4"` + way, ReasonData, `data.n is the string "4"`},
		"n null":           {`{"id":"L1","n":null` + way, ReasonData, "data.n is null"},
		"n array":          {`{"id":"L1","n":[5]` + way, ReasonData, "data.n is an array"},
		"n small":          {`{"id":"L1","n":-6` + way, ReasonData, "data.n is the number -6"},
		"n large":          {`{"id":"L1","n":1000000000000000001` + way, ReasonData, "data.n is the number"},
		"n huge":           {`{"id":"L1","n":1000000000000000000000000000000` + way, ReasonData, "data.n is the number 1000000000000000000000000000000"},
		"n wraps":          {`{"id":"L1","n":18446744073709551619` + way, ReasonData, "data.n is the number"},
		"n endless":        {`{"id":"L1","n":` + strings.Repeat("9", 5000) + way, ReasonData, "data.n is a number written with 5000 characters"},
		"way case":         {`{"id":"L1","n":3,"way":"UP"}`, ReasonData, `data.way is the string "UP"; it must be one of "up", "down", "é"`},
		"way empty":        {`{"id":"L1","n":3,"way":""}`, ReasonData, "data.way is"},
		"way null":         {`{"id":"L1","n":3,"way":null}`, ReasonData, "data.way is null"},
		"set a string":     {`{"id":"L1","n":3,"filled":"bio"` + way, ReasonData, `data.filled is the string "bio"; it must be an array of strings`},
		"set an object":    {`{"id":"L1","n":3,"filled":{"bio":1}` + way, ReasonData, "data.filled is an object"},
		"set null":         {`{"id":"L1","n":3,"filled":null` + way, ReasonData, "data.filled is null"},
		"null in set":      {`{"id":"L1","n":3,"filled":["bio",null]` + way, ReasonData, "data.filled holds null"},
		"array in set":     {`{"id":"L1","n":3,"filled":["bio",["bio"]]` + way, ReasonData, "data.filled holds an array"},
		"optional null":    {`{"id":"L1","n":3,"note":null` + way, ReasonData, "data.note is null"},
		"too deep":         {`{"id":` + strings.Repeat("[", 500_000), ReasonMalformed, "data is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			rejected(t, sample.Decode(sampleEvent(c.data), make([]Value, 5)), c.reason, c.words)
		})
	}
}

func TestShapeDecodeAttributes(t *testing.T) {
	plain := Shape{Type: "plain"}
	tick := Shape{Type: TickType, NoSubject: true}
	ev := sampleEvent(`{"whatever":[]}`)
	for _, s := range []*Shape{&plain, &tick} {
		if err := s.Decode(ev, nil); err != nil {
			t.Errorf("%s: %v", s.Type, err)
		}
	}
	ev.Subject = strings.Repeat("u", MaxIDBytes)
	if err := plain.Decode(ev, nil); err != nil {
		t.Errorf("the longest subject: %v", err)
	}
	ev.Subject += "u"
	rejected(t, plain.Decode(ev, nil), ReasonTooLarge, "subject has 256 bytes; 255 are allowed")
	ev.Subject = ""
	rejected(t, plain.Decode(ev, nil), ReasonAttribute, "subject is missing")
	if err := tick.Decode(ev, nil); err != nil {
		t.Errorf("a tick needs no subject: %v", err)
	}
	ev.ContentType = "text/plain"
	rejected(t, tick.Decode(ev, nil), ReasonContentType, `the data is "text/plain"`)
	ev.ContentType = "application/vnd.x+json; v=2"
	if err := tick.Decode(ev, nil); err != nil {
		t.Errorf("+json: %v", err)
	}
	rejected(t, tick.Decode(&Event{Base64: true}, nil), ReasonContentType, "data_base64")
	rejected(t, tick.Decode(&Event{}, nil), ReasonData, "data is missing")
}
