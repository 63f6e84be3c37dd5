package ndjson

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// Any file: its lines, each up to the limit, are those that bytes.Split finds,
// however the bytes come.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\n"), uint16(10))
	f.Add([]byte("\n\nabc"), uint16(2))
	f.Add(bytes.Repeat([]byte("x"), 3*chunkBytes), uint16(7))
	f.Fuzz(func(t *testing.T, text []byte, limit uint16) {
		want := bytes.Split(text, []byte("\n"))
		if len(want[len(want)-1]) == 0 {
			want = want[:len(want)-1]
		}
		for _, in := range []io.Reader{bytes.NewReader(text), iotest.HalfReader(bytes.NewReader(text)), iotest.DataErrReader(bytes.NewReader(text))} {
			lines := NewReader(in, int(limit))
			for i := range want {
				line, err := lines.Read()
				if err != nil || line.Number != int64(i+1) || line.Size != int64(len(want[i])) || !bytes.Equal(line.Text, want[i][:min(len(want[i]), int(limit))]) {
					t.Fatalf("line %d is %+v, %v", i+1, line, err)
				}
			}
			if line, err := lines.Read(); !errors.Is(err, io.EOF) || lines.BytesRead() != int64(len(text)) {
				t.Fatalf("after the last line: %+v, %v, %d bytes read", line, err, lines.BytesRead())
			}
		}
	})
}
