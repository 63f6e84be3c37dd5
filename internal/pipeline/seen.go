package pipeline

import (
	"hash/maphash"
	"sync"

	"github.com/badgestream/badgestream/processor"
)

// maxSeen bounds the memory of seen, to about 100 MiB.
const maxSeen = 4_000_000

// seen counts the distinct users whom a process touched, for its summary. It
// keeps 64 bits of a hash per user; beyond maxSeen it counts no further.
type seen struct {
	mu    sync.Mutex
	seed  maphash.Seed
	users map[uint64]struct{}
}

func newSeen() *seen { return &seen{seed: maphash.MakeSeed(), users: map[uint64]struct{}{}} }

func (s *seen) add(finals []processor.Final) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range finals {
		if len(s.users) < maxSeen {
			s.users[maphash.String(s.seed, finals[i].User)] = struct{}{}
		}
	}
}

func (s *seen) count() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.users))
}
