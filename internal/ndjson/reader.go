// Package ndjson reads files of one JSON value per line, whatever their lines
// hold and however long they are.
package ndjson

import (
	"bufio"
	"errors"
	"io"
)

// Line is one line of the input, without its end.
type Line struct {
	Number int64 // from 1
	// Text is the line, up to the reader's limit. It is its own memory: nothing
	// writes to it later.
	Text []byte
	// Size is how many bytes the line has; more than len(Text) if it was cut.
	Size int64
}

// Reader reads lines. It holds one in memory, and no more of it than the limit.
type Reader struct {
	in    *bufio.Reader
	limit int
	next  int64
	chunk []byte // what is left of the last allocation
	read  int64
}

// chunkBytes is what lines are cut from, so that a line costs no allocation.
const chunkBytes = 64 << 10

// NewReader reads in, and keeps at most limit bytes of each line.
func NewReader(in io.Reader, limit int) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, chunkBytes), limit: limit, next: 1}
}

// Read gives the next line. After the last one the error is io.EOF; the end of
// the last line is not the beginning of an empty one.
func (r *Reader) Read() (Line, error) {
	line := Line{Number: r.next}
	for {
		part, err := r.in.ReadSlice('\n')
		r.read += int64(len(part))
		ended := err == nil
		if ended {
			part = part[:len(part)-1]
		}
		line.Size += int64(len(part))
		line.Text = r.keep(line.Text, part)
		switch {
		case ended, errors.Is(err, io.EOF) && line.Size > 0:
			r.next++
			return line, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return Line{}, err
		}
	}
}

// BytesRead is how much of the input the lines so far took.
func (r *Reader) BytesRead() int64 { return r.read }

// keep appends the part to the text, within the limit.
func (r *Reader) keep(text, part []byte) []byte {
	part = part[:min(len(part), r.limit-len(text))]
	switch {
	case text != nil || len(part) > chunkBytes/8:
		return append(text, part...)
	case len(part) > len(r.chunk):
		r.chunk = make([]byte, chunkBytes)
	}
	n := copy(r.chunk, part)
	text, r.chunk = r.chunk[:n:n], r.chunk[n:]
	return text
}
