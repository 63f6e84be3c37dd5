package bench

import (
	"context"
	"time"
)

// slot is how finely events are spread over time: finer, and the timer alone
// would cost a good part of a core at the higher rates.
const slot = time.Millisecond

// schedule says when the events of a steady stream are due.
type schedule struct {
	began time.Time
	rate  int // events per second
}

// due is when event n, from 0, is due, counted from the beginning.
func (s *schedule) due(n int64) time.Duration {
	return (time.Duration(n) * time.Second / time.Duration(s.rate)).Truncate(slot)
}

// keep calls each for the events of n, when they are due, and gives how late
// the latest of them was. It returns early with the error of each, or of the
// context.
func (s *schedule) keep(ctx context.Context, n int64, each func(n int64) error) (late time.Duration, err error) {
	turn := time.NewTimer(0)
	defer turn.Stop()
	for i := range n {
		due := s.due(i)
		for wait := due - time.Since(s.began); wait > 0; wait = due - time.Since(s.began) {
			turn.Reset(wait)
			select {
			case <-turn.C:
			case <-ctx.Done():
				return late, context.Cause(ctx)
			}
		}
		late = max(late, time.Since(s.began)-due)
		if err := each(i); err != nil {
			return late, err
		}
	}
	return late, context.Cause(ctx)
}
