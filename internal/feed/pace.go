package feed

import (
	"context"
	"time"
)

// Pace spreads turns evenly over time. A rate of 0 is no limit.
type Pace struct {
	rate  float64 // turns per second
	began time.Time
	turns int64
}

// Wait returns when it is the next turn, or when the context is done.
func (p *Pace) Wait(ctx context.Context) error {
	if p.rate <= 0 {
		return context.Cause(ctx)
	}
	now := time.Now()
	if p.turns == 0 {
		p.began = now
	}
	due := p.began.Add(time.Duration(float64(p.turns) / p.rate * float64(time.Second)))
	p.turns++
	if !due.After(now) {
		return context.Cause(ctx)
	}
	turn := time.NewTimer(due.Sub(now))
	defer turn.Stop()
	select {
	case <-turn.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// NewPace makes a pace of so many turns a second.
func NewPace(rate float64) *Pace { return &Pace{rate: rate} }
