package telemetry

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestReadyOnceAllComponentsAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHealth()
		begin := time.Now()
		if components, ready := h.Report(); ready || len(components) != 4 {
			t.Fatalf("at first: ready %v, %v", ready, components)
		}
		advance(time.Minute)
		for _, name := range []string{Kafka, Postgres, Redis, Workers} {
			if _, ready := h.Report(); ready {
				t.Fatalf("ready before %s is", name)
			}
			h.Ready(name)
		}
		if components, ready := h.Report(); !ready {
			t.Fatalf("not ready: %v", components)
		}
		advance(time.Minute)
		h.NotReady(Redis, "connection refused")
		advance(time.Minute)
		h.NotReady(Redis, "i/o timeout")

		components, ready := h.Report()
		want := []Component{
			{Name: Kafka, Ready: true, Since: begin.Add(time.Minute)},
			{Name: Postgres, Ready: true, Since: begin.Add(time.Minute)},
			{Name: Redis, Reason: "i/o timeout", Since: begin.Add(2 * time.Minute)},
			{Name: Workers, Ready: true, Since: begin.Add(time.Minute)},
		}
		if ready {
			t.Error("ready without Redis")
		}
		for i, c := range components {
			if c != want[i] {
				t.Errorf("%+v, want %+v", c, want[i])
			}
		}
	})
}
