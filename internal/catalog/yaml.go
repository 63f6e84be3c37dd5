package catalog

import (
	"strings"
	"unicode/utf8"

	"github.com/cockroachdb/errors"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// readYAML parses the text to a tree, and reports what is not plain YAML. The
// tree is nil if there is nothing to go on with.
func readYAML(text []byte, r *report) *node {
	if p, ok := firstBadByte(text); ok {
		r.at(p, "this is not UTF-8 text, or holds a NUL: save the file as UTF-8")
		return nil
	}
	tokens := lexer.Tokenize(string(text))
	if !checkTokens(tokens, r) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		reportSyntax(err, r)
		return nil
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) == 0 {
		r.at(pos{1, 1}, "the file is empty: a catalogue has at least name, events, counters and badges")
		return nil
	}
	if len(bodies) > 1 {
		r.at(convert(bodies[1], &report{}).pos, "a second YAML document begins here: one file holds one catalogue")
		return nil
	}
	return convert(bodies[0], r)
}

func firstBadByte(text []byte) (pos, bool) {
	if utf8.Valid(text) && !strings.ContainsRune(string(text), 0) {
		return pos{}, false
	}
	p := pos{1, 1}
	for len(text) > 0 {
		c, size := utf8.DecodeRune(text)
		switch {
		case c == 0, c == utf8.RuneError && size == 1:
			return p, true
		case c == '\n':
			p = pos{p.line + 1, 1}
		default:
			p.col++
		}
		text = text[size:]
	}
	return p, true
}

func reportSyntax(err error, r *report) {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil {
		r.at(place(y.GetToken()), "this is not YAML: %s", y.GetMessage())
		return
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	r.at(pos{1, 1}, "this is not YAML: %s", line)
}

func place(t *token.Token) pos {
	if t == nil || t.Position == nil {
		return pos{1, 1}
	}
	return pos{max(t.Position.Line, 1), max(t.Position.Column, 1)}
}

// convert turns a YAML node into ours.
func convert(n ast.Node, r *report) *node {
	out := &node{pos: place(n.GetToken())}
	switch n := n.(type) {
	case *ast.MappingNode:
		return convertMapping(n.Values, out, r)
	case *ast.MappingValueNode:
		return convertMapping([]*ast.MappingValueNode{n}, out, r)
	case *ast.SequenceNode:
		out.kind = arrayNode
		for _, v := range n.Values {
			out.items = append(out.items, convert(v, r))
		}
	case *ast.NullNode:
	case *ast.BoolNode:
		out.value = n.Value
	case *ast.IntegerNode:
		out.value = n.Value
	case *ast.FloatNode:
		out.value = n.Value
	case *ast.StringNode:
		out.value = storable(n.Value, out.pos, r)
	case *ast.LiteralNode:
		out.value = storable(n.Value.Value, out.pos, r)
	default:
		// Infinities and not-a-numbers: a text that no number's place takes.
		out.value = n.String()
	}
	return out
}

// storable reports a text with a NUL, which no database stores.
func storable(s string, p pos, r *report) string {
	if strings.ContainsRune(s, 0) {
		r.at(p, "a text cannot hold a NUL: leave it out")
	}
	return s
}

func convertMapping(values []*ast.MappingValueNode, out *node, r *report) *node {
	out.kind = objectNode
	seen := make(map[string]pos, len(values))
	for i, v := range values {
		t := v.Key.GetToken()
		e := entry{pos: place(t), key: t.Value}
		if i == 0 && (out.line > e.line || out.line == e.line && out.col > e.col) {
			out.pos = e.pos // of a block, the library names the first colon
		}
		storable(e.key, e.pos, r)
		if first, again := seen[e.key]; again {
			r.at(e.pos, "%q stands here a second time, after line %d: keep one of them", e.key, first.line)
			continue
		}
		seen[e.key] = e.pos
		e.value = convert(v.Value, r)
		if t := v.Value.GetToken(); t != nil && t.Type == token.ImplicitNullType {
			e.value.pos = e.pos // what is not there has no place of its own
		}
		out.entries = append(out.entries, e)
	}
	return out
}
