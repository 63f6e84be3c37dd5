package telemetry

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// The components that a process needs to be ready.
const (
	Kafka    = "kafka"
	Postgres = "postgres"
	Redis    = "redis"
	Workers  = "workers"
)

// Health remembers which components are ready. All four are not, until they
// are said to be.
type Health struct {
	mu         sync.Mutex
	components map[string]Component
}

// Component is one thing that a process needs.
type Component struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
	// Reason says why it is not ready.
	Reason string `json:"reason,omitempty"`
	// Since is when it became ready, or stopped being so.
	Since time.Time `json:"since"`
}

func newHealth() *Health {
	h := &Health{components: map[string]Component{}}
	for _, name := range []string{Kafka, Postgres, Redis, Workers} {
		h.NotReady(name, "not started yet")
	}
	return h
}

// Ready says that the component works.
func (h *Health) Ready(component string) { h.set(component, true, "") }

// NotReady says that the component does not work, and why.
func (h *Health) NotReady(component, reason string) { h.set(component, false, reason) }

func (h *Health) set(name string, ready bool, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, known := h.components[name]
	if !known || c.Ready != ready {
		c.Since = time.Now()
	}
	c.Name, c.Ready, c.Reason = name, ready, reason
	h.components[name] = c
}

// Report lists the components by name, and says whether all are ready.
func (h *Health) Report() (components []Component, ready bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ready = true
	for _, c := range h.components {
		components = append(components, c)
		ready = ready && c.Ready
	}
	slices.SortFunc(components, func(a, b Component) int { return strings.Compare(a.Name, b.Name) })
	return components, ready
}
