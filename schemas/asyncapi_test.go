package schemas

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// at follows names into a document.
func at(t *testing.T, doc any, path ...string) any {
	t.Helper()
	for _, name := range path {
		object, _ := doc.(map[string]any)
		next, ok := object[name]
		if !ok {
			t.Fatalf("there is no %s in %s", name, strings.Join(path, "/"))
		}
		doc = next
	}
	return doc
}

func TestAsyncAPIReferencesResolve(t *testing.T) {
	api, found := document(t, "asyncapi.yaml"), 0
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, item := range node {
				walk(item)
			}
		case map[string]any:
			if ref, ok := node["$ref"].(string); ok {
				found++
				file, pointer, _ := strings.Cut(ref, "#")
				target := api
				if file != "" {
					target = document(t, strings.TrimPrefix(file, "./"))
				}
				at(t, target, strings.FieldsFunc(pointer, func(r rune) bool { return r == '/' })...)
			}
			for _, member := range node {
				walk(member)
			}
		}
	}
	walk(api)
	if found < 20 {
		t.Errorf("only %d references were found", found)
	}
}

func TestAsyncAPIAgreesWithTheCode(t *testing.T) {
	api := document(t, "asyncapi.yaml")
	if version := at(t, api, "asyncapi"); version != "3.0.0" {
		t.Errorf("asyncapi %v", version)
	}
	for channel, address := range map[string]string{"activity": "activity", "badges": "badges", "deadLetter": "activity.dead-letter",
		"ledger": "{group}.ledger", "control": "{group}.control"} {
		if got := at(t, api, "channels", channel, "address"); got != address {
			t.Errorf("channel %s is at %v; want %s", channel, got, address)
		}
	}
	for message, name := range map[string]string{"badgeAwarded": AwardedType, "badgeRevoked": RevokedType} {
		if got := at(t, api, "components", "messages", message, "name"); got != name {
			t.Errorf("message %s is named %v; want %s", message, got, name)
		}
		at(t, api, "channels", "badges", "messages", message)
	}
	sameNames(t, "dead-letter headers", at(t, api, "components", "schemas", "deadLetterHeaders", "required"),
		ReasonHeader, DetailHeader, TopicHeader, PartitionHeader, OffsetHeader, TimestampHeader)
	sameNames(t, "reasons for a rejection", at(t, api, "components", "schemas", "deadLetterHeaders", "properties", ReasonHeader, "enum"),
		string(ReasonMalformed), string(ReasonAttribute), string(ReasonContentType), string(ReasonData), string(ReasonTooLarge))
	sameNames(t, "types of badge events", at(t, document(t, "badge-event.schema.json"), "properties", "type", "enum"), AwardedType, RevokedType)
	sameNames(t, "reasons of badge events", at(t, document(t, "badge-event.schema.json"), "$defs", "data", "properties", "reason", "enum"),
		string(ReasonActivity), string(ReasonBackfill), string(ReasonRebuild), string(ReasonManual))
	var binary []string
	for name := range at(t, api, "components", "schemas", "binaryHeaders", "properties").(map[string]any) {
		if attribute, ok := strings.CutPrefix(name, attributePrefix); ok && named(attribute) < 0 {
			t.Errorf("the header %s is described and not read", name)
		}
		binary = append(binary, name)
	}
	if len(binary) != attributeCount {
		t.Errorf("%d headers are described, %d are read", len(binary), attributeCount)
	}
}

func sameNames(t *testing.T, what string, got any, want ...string) {
	t.Helper()
	var names []string
	for _, name := range got.([]any) {
		names = append(names, name.(string))
	}
	if !slices.Equal(names, want) {
		t.Errorf("%s are %v; in code %v", what, names, want)
	}
}

// The examples are events that the decoder takes.
func TestAsyncAPIExamples(t *testing.T) {
	messages := at(t, document(t, "asyncapi.yaml"), "components", "messages")
	visited := Shape{Type: "starview.location.visited", Fields: []Field{{Name: "location", Kind: FieldID}}}
	for _, mode := range []string{"activityBinary", "activityStructured"} {
		for _, example := range at(t, messages, mode, "examples").([]any) {
			object := example.(map[string]any)
			value, err := json.Marshal(object["payload"])
			if err != nil {
				t.Fatal(err)
			}
			var headers []Header
			described, _ := object["headers"].(map[string]any)
			for key, text := range described {
				headers = append(headers, Header{key, []byte(text.(string))})
			}
			var ev Event
			out := make([]Value, 1)
			if err := Decode(headers, value, &ev); err != nil {
				t.Fatalf("%s: %v", mode, err)
			}
			if err := visited.Decode(&ev, out); err != nil || out[0].S != "L1" || ev.Subject != "u42" {
				t.Errorf("%s: %v, %+v, %+v", mode, err, ev, out)
			}
		}
	}
}
