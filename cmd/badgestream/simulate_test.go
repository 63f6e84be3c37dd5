package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	visit    = `{"specversion":"1.0","id":"e1","source":"/t","type":"starview.location.visited","subject":"u1","time":"2026-03-01T12:00:01Z","data":{"location":"L1"}}`
	timeless = `{"specversion":"1.0","id":"e2","source":"/t","type":"starview.location.visited","subject":"u1","data":{"location":"L2"}}`
	foreign  = `{"specversion":"1.0","id":"e3","source":"/t","type":"com.example.weather"}`
)

func TestSimulateReportsRejectsAndGoesOn(t *testing.T) {
	dir := t.TempDir()
	progress, rejects := filepath.Join(dir, "progress"), filepath.Join(dir, "rejects")
	events := writeFile(t, "no JSON", timeless, "", foreign, visit)
	a := cli(t.Context(), t, nil, "simulate", "--events", events, "--progress", progress, "--rejects", rejects)
	a.expect(t, 0, "5 lines: 1 folded, 1 of unknown types, 3 rejected; 1 users, 1 badges awarded, 0 revoked")
	for _, want := range []string{"line 1: malformed: ", "line 2: attribute: time is missing", "line 3: malformed: "} {
		if !strings.Contains(a.errOut, want) {
			t.Errorf("standard error lacks %q:\n%s", want, a.errOut)
		}
	}
	if got := readFile(t, rejects); got != "1\n2\n3\n" {
		t.Errorf("rejects are %q", got)
	}
	if strings.Count(a.out, "\n") != 1 || !strings.Contains(a.out, `"badge":"first-light"`) || !strings.Contains(a.out, `"offset":4`) {
		t.Errorf("badge events:\n%s", a.out)
	}
	if got := readFile(t, progress); !strings.HasPrefix(got, `{"user":"u1","counters":{"location_visits":1,`) || strings.Count(got, "\n") != 1 {
		t.Errorf("progress:\n%s", got)
	}
	strict := cli(t.Context(), t, nil, "simulate", "--events", events, "--strict")
	strict.expect(t, exitFailure, "3 of 5 lines were rejected")
	if strict.out != a.out {
		t.Errorf("--strict gives other badge events:\n%s", strict.out)
	}
}

func TestSimulateReadsStandardInput(t *testing.T) {
	a := cli(t.Context(), t, strings.NewReader(visit), "simulate", "--events", "-")
	a.expect(t, 0, "1 lines: 1 folded")
	if !strings.Contains(a.out, `"subject":"u1"`) {
		t.Errorf("badge events:\n%s", a.out)
	}
}

func TestSimulateTakesLongLines(t *testing.T) {
	long := strings.Replace(visit, `"data"`, `"extension":"`+strings.Repeat("x", 900<<10)+`","data"`, 1)
	tooLong := strings.Replace(visit, `"data"`, `"extension":"`+strings.Repeat("x", 5<<20)+`","data"`, 1)
	a := cli(t.Context(), t, nil, "simulate", "--events", writeFile(t, tooLong, long))
	a.expect(t, 0, "line 1: too-large: ")
	a.expect(t, 0, "2 lines: 1 folded, 1 rejected")
}

// TestSimulateStopsAtATerminal: nobody types anything, and Ctrl-C ends it.
func TestSimulateStopsAtATerminal(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	silence, _ := io.Pipe()
	cli(ctx, t, silence, "simulate", "--events", "-").expect(t, exitInterrupted, "badgestream: interrupted\n")
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
