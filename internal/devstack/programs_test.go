package devstack

import "testing"

func TestChoosePostgres(t *testing.T) {
	at := func(majors ...int) (found []programs) {
		for _, m := range majors {
			found = append(found, programs{major: m})
		}
		return found
	}
	for _, c := range []struct {
		name  string
		found []programs
		made  int // by which version the data were made
		want  int
	}{
		{"none", nil, 0, 0},
		{"too old", at(13, 14), 0, 0},
		{"the newest", at(15, 17, 16), 0, 17},
		{"the one that made the data", at(15, 17, 16), 16, 16},
		{"not another than made the data", at(15, 17), 16, 0},
	} {
		got, ok := choose(c.found, c.made)
		if got.major != c.want || ok != (c.want != 0) {
			t.Errorf("%s: chose %d, %v; want %d", c.name, got.major, ok, c.want)
		}
	}
}
