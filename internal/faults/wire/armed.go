package wire

import "sync"

// Armed is a point that waits for its moment. It fires once.
type Armed struct {
	Point
	fault Fault
	left  int // occurrences until it fires; guarded by the proxy's lock

	met, over chan struct{}
}

// Met is closed when the moment has come, before the fault begins.
func (a *Armed) Met() <-chan struct{} { return a.met }

// Over is closed when the fault has ended.
func (a *Armed) Over() <-chan struct{} { return a.over }

// Fired reports whether the moment has come.
func (a *Armed) Fired() bool {
	select {
	case <-a.met:
		return true
	default:
		return false
	}
}

// arsenal is the armed points of a proxy.
type arsenal struct {
	mu    sync.Mutex
	armed []*Armed
	seen  map[string]int
}

func (s *arsenal) arm(p Point, f Fault) *Armed {
	a := &Armed{Point: p, fault: f, left: max(1, p.Nth), met: make(chan struct{}), over: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = append(s.armed, a)
	return a
}

// take counts an occurrence, and takes out the points that fire at it.
func (s *arsenal) take(message string, side Side) (firing []*Armed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if side == Before {
		if s.seen == nil {
			s.seen = map[string]int{}
		}
		s.seen[message]++
	}
	kept := s.armed[:0]
	for _, a := range s.armed {
		if a.Message == message && a.Side == side {
			a.left--
		}
		if a.left > 0 {
			kept = append(kept, a)
			continue
		}
		firing = append(firing, a)
		close(a.met)
	}
	clear(s.armed[len(kept):])
	s.armed = kept
	return firing
}

func (s *arsenal) disarm(a *Armed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.armed {
		if other == a {
			s.armed = append(s.armed[:i], s.armed[i+1:]...)
			return
		}
	}
}
