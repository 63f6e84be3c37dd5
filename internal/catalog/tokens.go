package catalog

import (
	"github.com/goccy/go-yaml/token"
)

// Bounds of a file's structure. The YAML library takes time that grows with
// the square of either, so that a small file could keep it busy for hours.
const (
	maxDepth = 32
	maxKeys  = 10_000 // of one mapping
)

// checkTokens refuses what a catalogue has no use for before it is parsed:
// anchors and aliases, tags, and structures deep or wide beyond reason.
func checkTokens(tokens token.Tokens, r *report) bool {
	before := len(r.errs)
	shape := structure{r: r}
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			r.at(place(t), "anchors and aliases (&, *, <<) are not read: write the value out; a text that begins so goes in quotes")
		case token.TagType, token.DirectiveType:
			r.at(place(t), "tags and directives (!, %%) are not read: leave it out; a text that begins so goes in quotes")
		case token.MappingKeyType:
			r.at(place(t), "a key is written as `key: value`, without a question mark before it")
		}
		if len(r.errs) > before+20 || !shape.next(t) {
			return false
		}
	}
	return len(r.errs) == before
}

// structure follows how deep and how wide the tokens nest.
type structure struct {
	r      *report
	line   int
	flow   []int   // per open bracket: how many entries it has
	blocks []block // per indentation: how many lines begin there
	colons int     // on this line, outside brackets
	dashes int     // on this line
}

type block struct{ col, lines int }

func (s *structure) next(t *token.Token) bool {
	p := place(t)
	if p.line != s.line {
		s.line, s.colons, s.dashes = p.line, 0, 0
		if len(s.flow) == 0 && t.Type != token.CommentType {
			s.begin(p, t.Type == token.SequenceEntryType)
		}
	}
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		s.flow = append(s.flow, 0)
	case token.SequenceEndType, token.MappingEndType:
		s.flow = s.flow[:max(len(s.flow)-1, 0)]
	case token.CollectEntryType:
		if n := len(s.flow); n > 0 {
			s.flow[n-1]++
		}
	case token.MappingValueType:
		if len(s.flow) == 0 {
			s.colons++
		}
	case token.SequenceEntryType:
		s.dashes++
	}
	switch {
	case len(s.flow) > maxDepth, len(s.blocks) > maxDepth, s.dashes > maxDepth:
		s.r.at(p, "this nests deeper than %d levels: no catalogue needs that", maxDepth)
	case s.colons > 1:
		s.r.at(p, "a second `: ` on this line: a text that holds a colon goes in quotes")
	case len(s.flow) > 0 && s.flow[len(s.flow)-1] > maxKeys,
		len(s.blocks) > 0 && s.blocks[len(s.blocks)-1].lines > maxKeys:
		s.r.at(p, "more than %d keys in one place: no catalogue needs that", maxKeys)
	default:
		return true
	}
	return false
}

// begin notes that a line begins at p. List items are not counted: they cost
// the library no more than their number.
func (s *structure) begin(p pos, item bool) {
	n := len(s.blocks)
	for n > 0 && s.blocks[n-1].col > p.col {
		n--
	}
	s.blocks = s.blocks[:n]
	if n == 0 || s.blocks[n-1].col < p.col {
		s.blocks = append(s.blocks, block{col: p.col})
		n++
	}
	if !item {
		s.blocks[n-1].lines++
	}
}
