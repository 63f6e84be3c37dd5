package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/badgestream/badgestream/schemas"
)

const schemaURL = "https://badgestream.dev/schemas/catalog.schema.json"

// fileSchema is the JSON Schema of catalogue files, with its own text, in
// which messages are looked up.
type fileSchema struct {
	compiled *jsonschema.Schema
	doc      any
}

func loadFileSchema() (*fileSchema, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schemas.CatalogSchema()))
	if err != nil {
		return nil, errors.Wrap(err, "reading the embedded catalog.schema.json")
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, errors.Wrap(err, "adding the embedded catalog.schema.json")
	}
	compiled, err := c.Compile(schemaURL)
	if err != nil {
		return nil, errors.Wrap(err, "compiling the embedded catalog.schema.json")
	}
	return &fileSchema{compiled: compiled, doc: doc}, nil
}

// validate reports where the file's shape differs from the schema.
func (s *fileSchema) validate(root *node, r *report) {
	var invalid *jsonschema.ValidationError
	if err := s.compiled.Validate(root.plain()); errors.As(err, &invalid) {
		s.explain(invalid, root, r)
	}
}

// explain reports the innermost causes: what stands around them only repeats
// that something inside is wrong.
func (s *fileSchema) explain(e *jsonschema.ValidationError, root *node, r *report) {
	at := root.find(e.InstanceLocation)
	rule := s.at(e.SchemaURL)
	switch k := e.ErrorKind.(type) {
	case *kind.OneOf:
		explainChoice(k, rule, at, r)
		return
	case *kind.AdditionalProperties:
		allowed := slices.Sorted(maps.Keys(object(rule["properties"])))
		slices.Sort(k.Properties)
		for _, p := range k.Properties {
			if say, ok := rule["x-key"].(string); ok {
				r.at(at.keyPos(p), "%q does not fit: %s", p, say)
				continue
			}
			r.at(at.keyPos(p), "unknown key %q: %s", p, didYouMean(p, allowed))
		}
		return
	case *kind.Required:
		slices.Sort(k.Missing)
		is := map[bool]string{true: "is", false: "are"}[len(k.Missing) == 1]
		r.at(at.pos, "%s %s missing", listed(quoted(k.Missing), "and"), is)
		return
	case *kind.DependentRequired:
		r.at(at.keyPos(k.Prop), "%q needs %s beside it", k.Prop, listed(quoted(k.Missing), "and"))
		return
	}
	if len(e.Causes) > 0 {
		// Where the choice between keys is wrong, what one of them would ask
		// for is of no use.
		for _, c := range e.Causes {
			if _, ok := c.ErrorKind.(*kind.OneOf); ok && len(c.InstanceLocation) == len(e.InstanceLocation) {
				s.explain(c, root, r)
				return
			}
		}
		for _, c := range e.Causes {
			s.explain(c, root, r)
		}
		return
	}
	r.at(at.pos, "%s", shapeMessage(e.ErrorKind, rule))
}

// explainChoice is for objects that must have exactly one of some keys.
func explainChoice(k *kind.OneOf, rule map[string]any, at *node, r *report) {
	var keys, there []string
	list, _ := rule["oneOf"].([]any)
	for _, option := range list {
		required, _ := object(option)["required"].([]any)
		for _, name := range required {
			keys = append(keys, fmt.Sprint(name))
		}
	}
	known := slices.Sorted(maps.Keys(object(rule["properties"])))
	for _, e := range at.entries {
		if slices.Contains(keys, e.key) {
			there = append(there, e.key)
		}
	}
	if len(k.Subschemas) > 0 || len(there) > 1 {
		r.at(at.keyPos(there[1]), "%s exclude each other: keep one of them", listed(quoted(there), "and"))
		return
	}
	for _, e := range at.entries {
		if hint := didYouMean(e.key, keys); !slices.Contains(known, e.key) && strings.HasPrefix(hint, "did you mean") {
			r.at(e.pos, "unknown key %q: %s", e.key, hint)
			return
		}
	}
	if say, ok := rule["x-say"].(string); ok {
		r.at(at.pos, "%s", say)
		return
	}
	r.at(at.pos, "one of %s is missing", listed(quoted(keys), "and"))
}

// at returns the part of the schema that a URL of the form schema#/a/b names.
func (s *fileSchema) at(url string) map[string]any {
	_, fragment, _ := strings.Cut(url, "#")
	v := s.doc
	for _, step := range strings.Split(strings.TrimPrefix(fragment, "/"), "/") {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch at := v.(type) {
		case map[string]any:
			if step != "" {
				v = at[step]
			}
		case []any:
			if i, err := strconv.Atoi(step); err == nil && i < len(at) {
				v = at[i]
			}
		}
	}
	return object(v)
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}
