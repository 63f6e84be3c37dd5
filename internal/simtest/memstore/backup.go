package memstore

import (
	"maps"
	"slices"
)

// Backup is a copy of a database as it was.
type Backup struct{ tables }

// Backup copies what is committed.
func (s *Server) Backup() *Backup {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Backup{s.copied()}
}

// Restore ends all sessions and goes back to a backup.
func (s *Server) Restore(b *Backup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sessions {
		s.end(c)
	}
	s.tables = b.copied()
}

func (t *tables) copied() tables {
	c := *t
	c.catalogs, c.history, c.rejects, c.ledger = slices.Clone(t.catalogs), slices.Clone(t.history), slices.Clone(t.rejects), slices.Clone(t.ledger)
	c.decisions = slices.Clone(t.decisions)
	c.standings = maps.Clone(t.standings)
	if t.rows != nil {
		c.rows = t.rows.Clone()
	}
	return c
}
