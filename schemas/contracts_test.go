package schemas

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const base = "https://badgestream.dev/schemas/"

var documents = []string{"badge-event.schema.json", "snapshot.schema.json", "catalog-view.schema.json", "ledger.schema.json", "asyncapi.yaml"}

// document parses a contract as JSON has it.
func document(t *testing.T, name string) any {
	t.Helper()
	text, ok := Contract(name)
	if !ok {
		t.Fatalf("there is no contract %s", name)
	}
	if strings.HasSuffix(name, ".yaml") {
		var err error
		if text, err = yaml.YAMLToJSON(text); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return parsed(t, text)
}

func parsed(t *testing.T, text []byte) any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return doc
}

// compiled gives a schema of a contract, by name and perhaps fragment.
func compiled(t *testing.T, ref string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range documents {
		if err := c.AddResource(base+name, document(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile(base + ref)
	if err != nil {
		t.Fatalf("compile %s: %v", ref, err)
	}
	return schema
}

// conforms asserts that the text is valid, and that each member in it is
// described: the schemas let later versions add members, not this one.
func conforms(t *testing.T, schema *jsonschema.Schema, text []byte) {
	t.Helper()
	doc := parsed(t, text)
	if err := schema.Validate(doc); err != nil {
		t.Errorf("%s\n%v", text, err)
	}
	described(t, schema, doc)
}

func described(t *testing.T, schema *jsonschema.Schema, value any) {
	t.Helper()
	for schema.Ref != nil {
		schema = schema.Ref
	}
	switch value := value.(type) {
	case []any:
		items, ok := schema.Items2020, schema.Items2020 != nil
		for _, item := range value {
			if !ok {
				t.Fatalf("%s does not describe its items", schema.Location)
			}
			described(t, items, item)
		}
	case map[string]any:
		for name, member := range value {
			if property, ok := schema.Properties[name]; ok {
				described(t, property, member)
			} else if _, ok := schema.AdditionalProperties.(*jsonschema.Schema); !ok {
				t.Errorf("%s does not describe %s", schema.Location, name)
			}
		}
	}
}

func TestWritersConform(t *testing.T) {
	badgeEvent := compiled(t, "badge-event.schema.json")
	badgeData := compiled(t, "badge-event.schema.json#/$defs/data")
	badgeHeaders := compiled(t, "asyncapi.yaml#/components/schemas/badgeHeaders")
	for _, e := range badgeEvents() {
		conforms(t, badgeEvent, e.AppendStructured(nil))
		conforms(t, badgeData, e.AppendData(nil))
		conforms(t, badgeHeaders, headersText(t, BinaryHeaders[Header](&e)))
	}
	snapshot := compiled(t, "snapshot.schema.json")
	for _, s := range snapshots() {
		s.Counters = append(s.Counters, Number{"zero", 0})
		conforms(t, snapshot, s.Append(nil))
	}
	ledger := compiled(t, "ledger.schema.json")
	for _, row := range ledgerRows() {
		conforms(t, ledger, row.Append(nil))
	}
	catalogView := compiled(t, "catalog-view.schema.json")
	for _, v := range []*CatalogView{view(), {Counters: []string{}, Ages: []string{}, Badges: []BadgeView{}, Groups: []GroupView{}}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		conforms(t, catalogView, text)
	}
	deadLetter := compiled(t, "asyncapi.yaml#/components/schemas/deadLetterHeaders")
	for _, d := range deadLetters() {
		conforms(t, deadLetter, headersText(t, Bury(Buried[Header]{Key: []byte("k")}, &d, false).Headers))
	}
}

// headersText gives headers as the JSON object that AsyncAPI describes.
func headersText(t *testing.T, headers []Header) []byte {
	t.Helper()
	object := map[string]string{}
	for _, h := range headers {
		object[h.Key] = string(h.Value)
	}
	text, err := json.Marshal(object)
	if err != nil || len(object) != len(headers) {
		t.Fatalf("headers %v: %v", headers, err)
	}
	return text
}

// The schemas refuse what is wrong: a schema that takes everything proves nothing.
func TestSchemasRefuse(t *testing.T) {
	e, s, row := awardOfFirstLight(), snapshots()[1], ledgerRows()[0]
	for name, c := range map[string]struct{ schema, text, from, to string }{
		"event id":          {"badge-event.schema.json", string(e.AppendStructured(nil)), `"id":"` + e.ID(), `"id":"` + strings.ToUpper(e.ID())},
		"event type":        {"badge-event.schema.json", string(e.AppendStructured(nil)), `.awarded"`, `.seen"`},
		"event without one": {"badge-event.schema.json", string(e.AppendStructured(nil)), `"ordinal":0,`, ``},
		"event time":        {"badge-event.schema.json", string(e.AppendStructured(nil)), `01.000Z","datac`, `01Z","datac`},
		"event no instant":  {"badge-event.schema.json", string(e.AppendStructured(nil)), `"2026-03-01T12`, `"2026-13-01T12`},
		"event reason":      {"badge-event.schema.json", string(e.AppendStructured(nil)), `"activity"}`, `"whim"}`},
		"snapshot zero":     {"snapshot.schema.json", string(s.Append(nil)), `"location_visits":2`, `"location_visits":0`},
		"snapshot order":    {"snapshot.schema.json", string(s.Append(nil)), `"order":"0`, `"order":"`},
		"snapshot percent":  {"snapshot.schema.json", string(s.Append(nil)), `"percent":40`, `"percent":100`},
		"ledger number":     {"ledger.schema.json", string(row.Append(nil)), `"number":12`, `"number":0`},
	} {
		changed := strings.Replace(c.text, c.from, c.to, 1)
		if changed == c.text {
			t.Fatalf("%s: %s is not in %s", name, c.from, c.text)
		}
		if err := compiled(t, c.schema).Validate(parsed(t, []byte(changed))); err == nil {
			t.Errorf("%s: the schema takes %s", name, changed)
		}
	}
}
