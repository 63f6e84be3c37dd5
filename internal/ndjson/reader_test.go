package ndjson

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func readAll(t *testing.T, in io.Reader, limit int) []Line {
	t.Helper()
	r := NewReader(in, limit)
	var lines []Line
	for {
		line, err := r.Read()
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		if line.Number != int64(len(lines)+1) {
			t.Fatalf("line %d is numbered %d", len(lines)+1, line.Number)
		}
		lines = append(lines, line)
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("y", 3*chunkBytes+17)
	for in, want := range map[string][]string{
		"":                    {},
		"\n":                  {""},
		"a":                   {"a"},
		"a\n":                 {"a"},
		"a\n\n":               {"a", ""},
		"a\r\nb":              {"a\r", "b"},
		"\n\na\nb":            {"", "", "a", "b"},
		long + "\nb\n" + long: {long, "b", long},
	} {
		for name, reader := range map[string]io.Reader{
			"at once": strings.NewReader(in), "byte by byte": iotest.OneByteReader(strings.NewReader(in)), "with the end": iotest.DataErrReader(strings.NewReader(in)),
		} {
			lines := readAll(t, reader, 1<<20)
			if len(lines) != len(want) {
				t.Fatalf("%.20q, %s: %d lines, want %d", in, name, len(lines), len(want))
			}
			for i, line := range lines {
				if string(line.Text) != want[i] || line.Size != int64(len(want[i])) {
					t.Errorf("%.20q, %s: line %d is %.20q of %d bytes", in, name, i+1, line.Text, line.Size)
				}
			}
		}
	}
}

func TestLongLinesAreCutAndCounted(t *testing.T) {
	in := strings.Repeat("x", 100) + "\n" + strings.Repeat("y", 500_000) + "\nz"
	lines := readAll(t, strings.NewReader(in), 50)
	if len(lines) != 3 || string(lines[0].Text) != strings.Repeat("x", 50) || lines[0].Size != 100 ||
		string(lines[1].Text) != strings.Repeat("y", 50) || lines[1].Size != 500_000 || string(lines[2].Text) != "z" {
		t.Errorf("lines are %.200v", lines)
	}
}

// TestLinesStay: a line is not written over by those after it.
func TestLinesStay(t *testing.T) {
	var in bytes.Buffer
	var want []string
	for i := range 5_000 {
		line := strings.Repeat(string(rune('a'+i%26)), 1+i%300)
		want = append(want, line)
		in.WriteString(line + "\n")
	}
	for i, line := range readAll(t, &in, 1<<20) {
		if string(line.Text) != want[i] {
			t.Fatalf("line %d has become %.40q, was %.40q", i+1, line.Text, want[i])
		}
	}
}

func TestReadErrors(t *testing.T) {
	broken := errors.New("broken")
	r := NewReader(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), 10)
	if line, err := r.Read(); err != nil || string(line.Text) != "a" {
		t.Fatalf("%q and %v", line.Text, err)
	}
	if _, err := r.Read(); !errors.Is(err, broken) {
		t.Errorf("%v, want %v: half a line is none", err, broken)
	}
}

func TestUntilEndsARead(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	waiting, _ := io.Pipe() // nobody ever writes
	r := NewReader(Until(ctx, waiting), 10)
	stop()
	if _, err := r.Read(); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	if got, err := io.ReadAll(Until(t.Context(), strings.NewReader("all of it"))); err != nil || string(got) != "all of it" {
		t.Errorf("%q and %v", got, err)
	}
}
