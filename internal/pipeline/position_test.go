package pipeline

import (
	"testing"

	"github.com/badgestream/badgestream/projections"
)

// Any note of a committed offset: what is taken was written by badgestream, to
// the letter, and what it writes is taken.
func FuzzMetadata(f *testing.F) {
	for _, text := range []string{"", seeded, metadata(projections.Position{}), "step=1 ordinal=2000", "step=1 ordinal=2000 ", "step=-1 ordinal=0", "step=+1 ordinal=01", "step=1"} {
		f.Add(int64(17), text, int64(1), int64(2))
	}
	f.Fuzz(func(t *testing.T, offset int64, text string, step, ordinal int64) {
		if offset < 0 {
			return // that nothing is committed
		}
		p, err := parseMetadata(offset, text)
		if err != nil {
			if n := len(err.Error()); n > 1000 {
				t.Errorf("the error has %d bytes", n)
			}
		} else if p.Offset != offset || text != "" && text != seeded && text != metadata(p) || p.Step < 0 || p.Ordinal < 0 {
			t.Errorf("%q is read as %+v", text, p)
		}
		if step < 0 || ordinal < 0 {
			return
		}
		want := projections.Position{Offset: offset, Step: step, Ordinal: ordinal}
		if got, err := parseMetadata(offset, metadata(want)); err != nil || got != want {
			t.Errorf("%+v is written as %q and read as %+v, %v", want, metadata(want), got, err)
		}
	})
}

// TestMarkIsTheNextChange: what is published of a record that is half done is
// counted from 0, so that the count is the number of the next.
func TestMarkIsTheNextChange(t *testing.T) {
	t.Parallel()
	if got := mark(projections.Position{Offset: 7, Step: 2, Ordinal: 3}); got != (projections.Mark{Offset: 7, Ordinal: 3}) {
		t.Errorf("three changes of a record are published, and the next is taken to be %+v", got)
	}
}
