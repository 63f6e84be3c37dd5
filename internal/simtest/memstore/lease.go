package memstore

import (
	"context"

	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/simtest/fault"
	"github.com/cockroachdb/errors"
)

// Lease is projections.Lease.
type Lease struct {
	store   *Store
	slot    int32
	session *session
	end     func()
}

// LeaseSlot takes the lowest free slot.
func (s *Store) LeaseSlot(ctx context.Context) (pipeline.Lease, int32, error) {
	c, end := s.session()
	fate := s.send(ctx, "lease a slot")
	if fate != fault.Works || ctx.Err() != nil {
		end()
		return nil, 0, errors.Wrap(fault.ErrBroken, "lease a slot")
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	l := &Lease{store: s, session: c, end: end}
	for s.server.leases[l.slot] != nil {
		l.slot++
	}
	if !c.ended() {
		s.server.leases[l.slot] = c
	}
	return l, l.slot, nil
}

// Hold watches over the lease: see projections.Lease.Hold.
func (l *Lease) Hold(ctx context.Context) error {
	for {
		pause(ctx, leasePing)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // that the context ends is what it waits for
		}
		if l.store.send(context.WithoutCancel(ctx), "hold the lease") != fault.Works || l.session.ended() {
			l.end()
			l.end = func() {}
			return errors.Newf("slot %d is lost: the connection that held it ended", l.slot)
		}
	}
}

// Close gives the slot up.
func (l *Lease) Close(context.Context) error {
	l.end()
	l.end = func() {}
	return nil
}
