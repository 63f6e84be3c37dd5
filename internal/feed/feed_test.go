package feed

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := NewPace(100)
		for range 251 {
			if err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 2500*time.Millisecond {
			t.Errorf("251 turns at 100 a second took %v, want 2.5 s", took)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
		defer stop()
		if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a turn that comes too late: %v", err)
		}
		began = time.Now()
		for free := NewPace(0); p.turns < 100_000; p.turns++ {
			if err := free.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("turns without a rate took %v", took)
		}
	})
}

func TestSubject(t *testing.T) {
	for line, want := range map[string]string{
		`{"subject":"u1"}`:                       "u1",
		`{"data":{"subject":"no"},"subject":"ü"`: "ü",
		`{"subject":"u1","time":`:                "u1",
		`{"subject":"u\u00e9"} trailing`:         "ué",
		`{"Subject":"u1"}`:                       "",
		`{"subject":7}`:                          "",
		`{"subject":null}`:                       "",
		`{"subject":"u1`:                         "",
		`["subject","u1"]`:                       "",
		`"subject"`:                              "",
		``:                                       "",
		"\xff\xfe":                               "",
	} {
		if got := Subject([]byte(line)); got != want {
			t.Errorf("subject of %q is %q, want %q", line, got, want)
		}
	}
}
