package processor

import "unsafe"

// texts holds copies of strings, many in one piece of memory, so that a batch
// keeps the few bytes of a record that it needs and not the record.
type texts struct{ chunk []byte }

const textChunk = 64 << 10

// keep copies a string. The copy lives as long as anybody has it: a chunk is
// never written again where it was given out.
func (t *texts) keep(s string) string {
	if s == "" {
		return ""
	}
	if cap(t.chunk)-len(t.chunk) < len(s) {
		t.chunk = make([]byte, 0, max(len(s), textChunk))
	}
	from := len(t.chunk)
	t.chunk = append(t.chunk, s...)
	return unsafe.String(&t.chunk[from], len(s))
}
