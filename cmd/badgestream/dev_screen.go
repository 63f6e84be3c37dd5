package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"golang.org/x/term"
)

// screen is where the live view goes: a terminal, which is drawn over again
// and again, or anything else, which gets lines.
type screen struct {
	out      io.Writer
	terminal bool
	file     *os.File // of a terminal
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out}
	file, isFile := out.(*os.File)
	if isFile && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		s.file, s.terminal = file, true
	}
	return s
}

// What the terminal is told (ECMA-48, and xterm's alternate screen).
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // another screen, no cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	toTop       = "\x1b[H"
	clearRest   = "\x1b[K"
	clearBelow  = "\x1b[J"
	bold        = "\x1b[1m"
	normal      = "\x1b[0m"
)

// show draws what is watched until the context ends.
func (s *screen) show(ctx context.Context, w *watch) (err error) {
	every := time.Second
	if s.terminal {
		every = 250 * time.Millisecond
		if err := s.write(enterScreen); err != nil {
			return err
		}
		defer func() { err = errors.CombineErrors(err, s.write(leaveScreen)) }()
	} else if err := s.say("Try this in a second terminal:\n  %s\n", strings.Join(w.hints.lines(), "\n  ")); err != nil {
		return err
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if err := s.draw(w.look(now)); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *screen) draw(v view) error {
	if !s.terminal {
		return s.say("%s\n", strings.Join(v.plain(), "\n"))
	}
	width, height, err := term.GetSize(int(s.file.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		width, height = 80, 24
	}
	return s.write(paint(v.rows(width, height), width, height))
}

// paint writes rows over what the screen shows. The last line has no end, so
// that the screen does not scroll.
func paint(rows []row, width, height int) string {
	var b strings.Builder
	b.WriteString(toTop)
	used := 0
	for i, r := range rows {
		if used += r.lines(width); used > height {
			break
		}
		if i > 0 {
			b.WriteString("\r\n")
		}
		text := r.text
		if !r.whole {
			text = fitting(text, width-1)
		}
		if r.bold {
			text = bold + text + normal
		}
		b.WriteString(text + clearRest)
	}
	b.WriteString(clearBelow)
	return b.String()
}

// say writes a message below what is there.
func (s *screen) say(format string, args ...any) error {
	return s.write(fmt.Sprintf(format, args...))
}

func (s *screen) write(text string) error {
	_, err := io.WriteString(s.out, text)
	return errors.Wrap(err, "writing the view")
}
