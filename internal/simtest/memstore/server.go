// Package memstore is a Postgres in memory, for tests: it stands behind the
// engine's seam pipeline.Store and behaves there as projections.Store does.
// One suite runs on both, so that it can be believed.
//
// It has transactions with row locks that are held until they end, fold offsets
// by compare-and-swap, numbers of the ledger that come last, locks and leases
// that end with their session, and an end of idle transactions. What goes wrong
// with a connection is decided by whoever made it: see fault.Link.
//
// It is simpler than Postgres in this: the users of a batch are locked all at
// once, before their rows are touched, and rows change at the commit alone. So
// two transactions never deadlock, and a place of a first-N counter is drawn in
// the order of commits.
package memstore

import (
	"maps"
	"slices"
	"sync"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
)

// Server is one group's database.
type Server struct {
	mu       sync.Mutex // guards all of it; nobody waits while he holds it
	locks    locks
	sessions map[*session]struct{}
	leases   map[int32]*session
	tables
}

// tables are what a backup holds.
type tables struct {
	installed projections.Installed
	outlets   projections.Outlets
	catalogs  []projections.StoredCatalog // by version, from 1
	standings map[projections.TopicPartition]projections.Standing
	history   []projections.HistoryRow
	rejects   []projections.Reject
	decisions []processor.Decided
	ledger    []projections.LedgerRow // in the order of commits
	number    int64                   // the last one drawn
	rows      *processor.Memory
	cat       *catalog.Catalog // of rows
}

// NewServer makes an empty database.
func NewServer() *Server {
	return &Server{locks: locks{}, sessions: map[*session]struct{}{}, leases: map[int32]*session{},
		tables: tables{standings: map[projections.TopicPartition]projections.Standing{}}}
}

// Restart ends all sessions, as a crash of Postgres does. What was committed
// stays.
func (s *Server) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sessions {
		s.end(c)
	}
}

// Ledger is the whole ledger, by number.
func (s *Server) Ledger() []projections.LedgerRow {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(slices.Values(s.ledger), func(a, b projections.LedgerRow) int { return int(a.Number - b.Number) })
}

// History is the whole history, in the order of commits.
func (s *Server) History() []projections.HistoryRow {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history)
}

// Recorded reports whether the history has a change.
func (s *Server) Recorded(topic string, partition int32, offset, ordinal int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.history, func(h projections.HistoryRow) bool {
		return h.Topic == topic && h.Partition == partition && h.Offset == offset && h.Ordinal == ordinal
	})
}

// Standings is where each partition stands.
func (s *Server) Standings() []projections.Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.standings))
}

// Regime is the epoch and the version of the catalogue that holds.
func (s *Server) Regime() (epoch int64, catalogVersion int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.installed.Epoch, s.installed.CatalogVersion
}

// AllRejects are all rejects, in the order of commits.
func (s *Server) AllRejects() []projections.Reject {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.rejects)
}

// Decisions are all that people decided, in the order of commits.
func (s *Server) Decisions() []processor.Decided {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.decisions)
}

// Rows are the rows of all users, by id.
func (s *Server) Rows() []processor.Final {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finals(func(string) bool { return true })
}

// finals copies the rows of the users that are wanted: the fold changes the
// slices of its own.
func (s *Server) finals(wanted func(id string) bool) []processor.Final {
	var list []processor.Final
	if s.rows == nil {
		return nil
	}
	s.rows.Users(func(f processor.Final) {
		if wanted(f.User) {
			list = append(list, copied(f))
		}
	})
	slices.SortFunc(list, byUser)
	return list
}
