package main

import (
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// bar shows progress on a terminal, and nothing elsewhere.
type bar struct {
	out    io.Writer // nil: no terminal
	total  int64     // bytes; 0 if nobody knows
	drawn  time.Time
	inLine bool
}

func newBar(out io.Writer, total int64) *bar {
	if file, ok := out.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		return &bar{}
	}
	return &bar{out: out, total: total}
}

// show draws the bar anew, ten times a second at most.
func (b *bar) show(done, events int64) {
	if b.out == nil || time.Since(b.drawn) < 100*time.Millisecond {
		return
	}
	b.drawn, b.inLine = time.Now(), true
	if b.total <= 0 {
		tell(b.out, "\r\x1b[K%d events", events)
		return
	}
	const width = 40
	share := min(1, float64(done)/float64(b.total))
	full := int(share * width)
	tell(b.out, "\r\x1b[K%s%s %3.0f %%  %d events", strings.Repeat("█", full), strings.Repeat("░", width-full), 100*share, events)
}

// clear takes the bar away, for a line of text in its place.
func (b *bar) clear() {
	if b.inLine {
		tell(b.out, "\r\x1b[K")
		b.inLine = false
	}
}

// inputSize is how many bytes a file has, 0 of what is no plain file.
func inputSize(in io.Reader) int64 {
	file, ok := in.(fs.File)
	if !ok {
		return 0
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}
