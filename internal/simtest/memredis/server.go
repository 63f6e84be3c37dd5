// Package memredis is a Redis in memory, for tests: it stands behind the
// engine's seam pipeline.Snapshots and behaves there as snapshots.Writer does
// on a Redis. One suite runs on both, so that it can be believed.
//
// It holds versioned snapshots and the marker, and can lose all of them, or the
// latest. What goes wrong with a connection is decided by whoever made it: see
// fault.Link.
package memredis

import (
	"maps"
	"sync"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// Server is one group's keys.
type Server struct {
	mu sync.Mutex
	memory
	losses int
}

// memory is what a flush takes away.
type memory struct {
	snapshots map[string]string // by user
	marks     map[projections.TopicPartition]projections.Position
	turn      string // of the refresh that runs
	epoch     int64  // the last one drawn
	view      int32  // the version of the catalogue's view
}

func blank() memory {
	return memory{snapshots: map[string]string{}, marks: map[projections.TopicPartition]projections.Position{}}
}

// NewServer makes an empty Redis.
func NewServer() *Server { return &Server{memory: blank()} }

// Flush loses everything.
func (s *Server) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory = blank()
	s.losses++
}

// Copy is what a replica has now.
func (s *Server) Copy() *Replica {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Replica{s.clone()}
}

// Replica is a Redis as it was at some time.
type Replica struct{ memory }

// FailOver goes back to what a replica has: what came later is lost.
func (s *Server) FailOver(to *Replica) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory = to.clone()
	s.losses++
}

// Losses is how often something was lost so far.
func (s *Server) Losses() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.losses
}

// Snapshots are all snapshots, by user.
func (s *Server) Snapshots() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.snapshots)
}

// Snapshot is a user's, or "".
func (s *Server) Snapshot(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshots[user]
}

// View is the version of the catalogue's view, 0 if there is none.
func (s *Server) View() int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view
}

func (m *memory) clone() memory {
	return memory{snapshots: maps.Clone(m.snapshots), marks: maps.Clone(m.marks), turn: m.turn, epoch: m.epoch, view: m.view}
}

// set keeps a snapshot unless one of the same or a later order is there.
func (m *memory) set(user, snapshot string) {
	if m.snapshots[user] == "" || rank(m.snapshots[user]) < rank(snapshot) {
		m.snapshots[user] = snapshot
	}
}

// rank is the part of a snapshot that says which of two is the later.
func rank(snapshot string) string {
	return snapshot[schemas.OrderOffset : schemas.OrderOffset+schemas.OrderLength]
}
