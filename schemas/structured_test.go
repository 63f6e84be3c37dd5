package schemas

import (
	"strings"
	"testing"
)

// event gives a structured event with members after the required ones.
func event(members string) string {
	return `{"specversion":"1.0","id":"e","source":"/s","type":"t"` + members + `}`
}

func TestDecodeStructured(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		check func(Event) bool
	}{
		"least":              {event(``), func(ev Event) bool { return ev.Data == nil && !ev.HasTime && ev.Subject == "" && ev.ContentType == "" }},
		"white space":        {" \r\n\t" + event(` , "data" : { "a" : [ "x" , "y" ] , "b" : -1 } `) + "\n", func(ev Event) bool { return string(ev.Data) == `{ "a" : [ "x" , "y" ] , "b" : -1 }` }},
		"escapes":            {`{"specversion":"1.\u0030","id":"\ud83d\ude00\n","source":"\/s","type":"t"}`, func(ev Event) bool { return ev.ID == "😀\n" && ev.Source == "/s" }},
		"escaped name":       {`{"specversion":"1.0","\u0069d":"e","source":"/s","type":"t"}`, func(ev Event) bool { return ev.ID == "e" }},
		"any script":         {event(`,"subject":"ユーザー"`), func(ev Event) bool { return ev.Subject == "ユーザー" }},
		"null is unset":      {event(`,"subject":null,"time":null,"datacontenttype":null,"data_base64":null`), func(ev Event) bool { return ev.Subject == "" && !ev.HasTime && !ev.Base64 }},
		"data null":          {event(`,"data":null`), func(ev Event) bool { return string(ev.Data) == "null" }},
		"data a string":      {event(`,"data":"x"`), func(ev Event) bool { return string(ev.Data) == `"x"` }},
		"nested data":        {event(`,"data":{"a":{"a":[{}]}}`), func(ev Event) bool { return string(ev.Data) == `{"a":{"a":[{}]}}` }},
		"base64":             {event(`,"data_base64":"AAE="`), func(ev Event) bool { return ev.Base64 && ev.Data == nil }},
		"other content type": {event(`,"datacontenttype":"text/csv","data":"a,b"`), func(ev Event) bool { return ev.ContentType == "text/csv" }},
		"extensions":         {event(`,"a":1,"b":true,"c":null,"d":1.5e3,"e":{}`), func(ev Event) bool { return ev.ID == "e" }},
		"wrong case beside":  {event(`,"ID":5,"Data":7`), func(ev Event) bool { return ev.ID == "e" && ev.Data == nil }},
		"many members":       {event(`,"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1`), func(ev Event) bool { return ev.ID == "e" }},
		"as deep as allowed": {event(`,"x":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000)), func(ev Event) bool { return ev.ID == "e" }},
	} {
		t.Run(name, func(t *testing.T) {
			var ev Event
			if err := DecodeStructured([]byte(c.text), &ev); err != nil || !c.check(ev) {
				t.Errorf("%v, %+v", err, ev)
			}
		})
	}
}

func TestDecodeStructuredRejects(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		reason Reason
		words  string
	}{
		"nothing":             {``, ReasonMalformed, "empty"},
		"blank":               {`   `, ReasonMalformed, "ends before"},
		"words":               {`visited, honestly`, ReasonMalformed, "not JSON"},
		"cut":                 {event(``)[:30], ReasonMalformed, "ends before"},
		"cut at the end":      {strings.TrimSuffix(event(``), "}"), ReasonMalformed, "ends before"},
		"null":                {`null`, ReasonMalformed, `not a JSON object but "null"`},
		"array":               {`[` + event(``) + `]`, ReasonMalformed, "not a JSON object"},
		"number":              {`42`, ReasonMalformed, "not a JSON object"},
		"empty object":        {`{}`, ReasonAttribute, "specversion is missing"},
		"trailing word":       {event(``) + ` and more`, ReasonMalformed, "goes on after"},
		"two objects":         {event(``) + event(``), ReasonMalformed, "goes on after"},
		"trailing comma":      {event(`,`), ReasonMalformed, "not JSON"},
		"no comma":            {event(` "x":1`), ReasonMalformed, "not JSON"},
		"no comma in data":    {event(`,"data":{"a":1 "b":2}`), ReasonMalformed, "not JSON"},
		"no comma in a list":  {event(`,"data":{"a":["x" "y"]}`), ReasonMalformed, "not JSON"},
		"no closing bracket":  {event(`,"data":{"a":["x"}`), ReasonMalformed, "not JSON"},
		"single quotes":       {`{'id':'e'}`, ReasonMalformed, "not JSON"},
		"byte order mark":     {"\ufeff" + event(``), ReasonMalformed, "not JSON"},
		"control bytes":       {"\x00\x01\x02", ReasonMalformed, "not JSON"},
		"name twice":          {event(`,"id":"e"`), ReasonMalformed, `the member "id" twice`},
		"escaped name twice":  {event(`,"\u0069d":"e"`), ReasonMalformed, `the member "id" twice`},
		"unknown name twice":  {event(`,"x":1,"x":1`), ReasonMalformed, `the member "x" twice`},
		"name twice in data":  {event(`,"data":{"a":1,"a":1}`), ReasonMalformed, `the member "a" twice`},
		"data twice":          {event(`,"data":{},"data":{}`), ReasonMalformed, `the member "data" twice`},
		"specversion number":  {strings.Replace(event(``), `"1.0"`, `1.0`, 1), ReasonAttribute, "specversion is the number 1.0; it must be a string"},
		"specversion null":    {strings.Replace(event(``), `"1.0"`, `null`, 1), ReasonAttribute, "specversion is missing"},
		"id number":           {strings.Replace(event(``), `"e"`, `7`, 1), ReasonAttribute, "id is the number 7"},
		"source object":       {strings.Replace(event(``), `"/s"`, `{}`, 1), ReasonAttribute, "source is an object"},
		"type array":          {strings.Replace(event(``), `"t"`, `["t"]`, 1), ReasonAttribute, "type is an array"},
		"type empty":          {strings.Replace(event(``), `"t"`, `""`, 1), ReasonAttribute, "type is empty"},
		"subject number":      {event(`,"subject":7`), ReasonAttribute, "subject is the number 7"},
		"subject object":      {event(`,"subject":{"id":"u8"}`), ReasonAttribute, "subject is an object"},
		"time":                {event(`,"time":"01/02/2026 10:00"`), ReasonAttribute, `time is "01/02/2026 10:00"`},
		"time number":         {event(`,"time":1772366401`), ReasonAttribute, "time is the number"},
		"content type number": {event(`,"datacontenttype":1`), ReasonAttribute, "datacontenttype is"},
		"NUL escaped":         {event(`,"subject":"a\u0000b"`), ReasonAttribute, "subject holds the character U+0000"},
		"NUL raw":             {event(",\"subject\":\"a\x00b\""), ReasonMalformed, "not JSON"},
		"lone surrogate":      {event(`,"subject":"\ud800"`), ReasonMalformed, "not JSON"},
		"surrogate in data":   {event(`,"data":{"a":"\udc00"}`), ReasonMalformed, "not JSON"},
		"not UTF-8":           {event(",\"x\":\"\xff\""), ReasonMalformed, "UTF-8"},
		"not UTF-8 in data":   {event(",\"data\":{\"x\":\"\xc0\xaf\"}"), ReasonMalformed, "UTF-8"},
		"not UTF-8 in a name": {event(",\"\xff\":1"), ReasonMalformed, "UTF-8"},
		"long id":             {strings.Replace(event(``), `"e"`, `"`+strings.Repeat("i", 513)+`"`, 1), ReasonTooLarge, "id has 513 bytes"},
		"leading zero":        {event(`,"x":01`), ReasonMalformed, "not JSON"},
		"plus":                {event(`,"x":+1`), ReasonMalformed, "not JSON"},
		"bare minus":          {event(`,"x":-}`), ReasonMalformed, "not JSON"},
		"nan":                 {event(`,"x":NaN`), ReasonMalformed, "not JSON"},
		"half a word":         {event(`,"x":tru`), ReasonMalformed, "not JSON"},
		"too deep":            {event(`,"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)), ReasonMalformed, "not JSON"},
		"deep and cut":        {strings.Repeat(`{"a":`, 200_000), ReasonMalformed, "not JSON"},
		"deep brackets":       {strings.Repeat(`[`, MaxValueBytes), ReasonMalformed, "not a JSON object"},
		"hostile name":        {event(`,"` + strings.Repeat(`\u001b\u0000`, 999) + `":x`), ReasonMalformed, "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			var ev Event
			rejected(t, DecodeStructured([]byte(c.text), &ev), c.reason, c.words)
		})
	}
}

func TestContentTypes(t *testing.T) {
	for contentType, want := range map[string]bool{
		"": true, "application/json": true, "text/json": true, "APPLICATION/JSON": true, "application/json; charset=utf-8": true,
		" application/json": true, "application/vnd.starview+json": true, "application/vnd.starview+json;v=1": true,
		"json": false, "+json": false, "/x+json": false, "application/+json": false, "application/jsonx": false, "text/plain": false,
		"application/json-seq": false, "application/xml": false, "text/plain; application/json": false, "\x00": false,
	} {
		if isJSON(contentType) != want {
			t.Errorf("%q is JSON: %v; want %v", contentType, !want, want)
		}
	}
}
