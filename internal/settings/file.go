package settings

import (
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// entry is one setting as the config file has it.
type entry struct {
	key, value string
	line       int
}

// parseFile reads a config file: a flat YAML mapping from the flags' names to
// their values. A list stands for its elements with commas between them.
func parseFile(path string, content []byte) ([]entry, error) {
	file, err := parser.ParseBytes(content, 0)
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) && syntax.GetToken() != nil {
			return nil, errors.Newf("%s:%d: this is not YAML: %s", path, syntax.GetToken().Position.Line, syntax.GetMessage())
		}
		return nil, errors.Wrapf(err, "%s: this is not YAML", path)
	}
	var entries []entry
	for _, doc := range file.Docs {
		pairs, ok := mapping(doc.Body)
		if !ok {
			return nil, errors.Newf("%s: a config file is a mapping such as `brokers: 127.0.0.1:19192`", path)
		}
		for _, pair := range pairs {
			e, err := readEntry(path, pair)
			if err != nil {
				return nil, err
			}
			entries = append(entries, e)
		}
	}
	return entries, nil
}

func mapping(body ast.Node) ([]*ast.MappingValueNode, bool) {
	switch body := body.(type) {
	case *ast.MappingNode:
		return body.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{body}, true
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return nil, true
	}
	return nil, false
}

func readEntry(path string, pair *ast.MappingValueNode) (entry, error) {
	e := entry{key: pair.Key.GetToken().Value, line: pair.Key.GetToken().Position.Line}
	known := slices.DeleteFunc(names(), func(n string) bool { return n == configFlag })
	if !slices.Contains(known, e.key) {
		return e, errors.Newf("%s:%d: there is no setting %q: %s", path, e.line, e.key, DidYouMean(e.key, known))
	}
	var ok bool
	if e.value, ok = scalar(pair.Value); ok {
		return e, nil
	}
	list, isList := pair.Value.(*ast.SequenceNode)
	if !isList {
		return e, errors.Newf("%s:%d: %s must be a single value", path, e.line, e.key)
	}
	elements := make([]string, len(list.Values))
	for i, v := range list.Values {
		if elements[i], ok = scalar(v); !ok {
			return e, errors.Newf("%s:%d: %s must be a list of single values", path, e.line, e.key)
		}
	}
	e.value = strings.Join(elements, ",")
	return e, nil
}

// scalar is the text of a plain value, as it stands in the file.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.NullNode:
		return "", true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}
