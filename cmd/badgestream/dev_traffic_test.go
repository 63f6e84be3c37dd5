package main

import (
	"math/rand/v2"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/traffic"
)

func TestTrafficGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	h, err := openHistory(dir, 50)
	if err != nil {
		t.Fatal(err)
	}
	w, err := traffic.New(traffic.Config{Seed: h.Seed, Users: 50, Skew: devSkew})
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		w.Next(0)
	}
	h.Events = 1000
	if err := h.save(); err != nil {
		t.Fatal(err)
	}

	again, err := openHistory(dir, 50)
	if err != nil {
		t.Fatal(err)
	}
	went, err := again.world(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		if want, got := w.Next(7), went.Next(7); !reflect.DeepEqual(got, want) {
			t.Fatalf("event %d after the restart is %+v, want %+v", n, got, want)
		}
	}
	other, err := openHistory(dir, 51)
	if err != nil {
		t.Fatal(err)
	}
	if other.Seed == h.Seed || other.Events != 0 {
		t.Errorf("a community of another size is taken for the same: %+v", other)
	}
}

func TestABrokenHistoryIsAnotherWorld(t *testing.T) {
	dir := t.TempDir()
	h, err := openHistory(dir, 50)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.path, []byte(`{"seed":`), 0o644); err != nil {
		t.Fatal(err)
	}
	if h, err = openHistory(dir, 50); err != nil || h.Events != 0 || h.Users != 50 {
		t.Errorf("history is %+v, %v", h, err)
	}
}

func TestTempoIsUnevenAndKeepsTheRate(t *testing.T) {
	pulse := tempo{rate: 300, random: rand.New(rand.NewPCG(1, 2))}
	now := time.Unix(0, 0)
	pulse.due(now)
	const minutes = 120
	least, most, total := 1<<30, 0, 0
	for range minutes * 60 {
		second := 0
		for range 20 {
			now = now.Add(50 * time.Millisecond)
			second += pulse.due(now)
		}
		least, most, total = min(least, second), max(most, second), total+second
	}
	if rate := float64(total) / (minutes * 60); rate < 285 || rate > 315 {
		t.Errorf("%.1f events a second on average, want 300", rate)
	}
	if least > 200 || most < 700 {
		t.Errorf("seconds have from %d to %d events: no bursts", least, most)
	}
	if n := pulse.due(now.Add(time.Hour)); n > 800 {
		t.Errorf("%d events make up for an hour in which the machine slept", n)
	}
}
