package catalog

import "strconv"

// pos is a place in the file, from 1.
type pos struct{ line, col int }

// node is a value of the file with its place. A value that YAML can say and
// JSON cannot has no node.
type node struct {
	pos
	value   any // nil, bool, int64, uint64, float64, string; unset for the other two
	entries []entry
	items   []*node
	kind    nodeKind
}

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	objectNode
	arrayNode
)

// entry is one key of an object, with the key's place.
type entry struct {
	pos
	key   string
	value *node
}

// plain returns the value as encoding/json would have read it.
func (n *node) plain() any {
	switch n.kind {
	case objectNode:
		m := make(map[string]any, len(n.entries))
		for _, e := range n.entries {
			m[e.key] = e.value.plain()
		}
		return m
	case arrayNode:
		list := make([]any, len(n.items))
		for i, item := range n.items {
			list[i] = item.plain()
		}
		return list
	}
	return n.value
}

// find follows a path of keys and list indexes. It stops where the path ends
// early.
func (n *node) find(path []string) *node {
	for _, step := range path {
		next := n.get(step)
		if i, err := strconv.Atoi(step); n.kind == arrayNode && err == nil && i < len(n.items) {
			next = n.items[i]
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

// get returns an object's value, nil if there is none.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := range n.entries {
		if n.entries[i].key == key {
			return n.entries[i].value
		}
	}
	return nil
}

// keyPos is where a key stands, or where its object begins.
func (n *node) keyPos(key string) pos {
	for i := range n.entries {
		if n.entries[i].key == key {
			return n.entries[i].pos
		}
	}
	return n.pos
}
