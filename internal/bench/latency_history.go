package bench

import (
	"context"

	"github.com/badgestream/badgestream/internal/feed"
	"github.com/badgestream/badgestream/internal/traffic"
)

// community is the one of the workload, at some moment of its history.
type community struct {
	world *traffic.World
	at    int64 // when its last event was, in Unix microseconds
}

// next is what happens next.
func (c *community) next() traffic.Event {
	c.at += eventStep.Microseconds()
	return c.world.Next(c.at)
}

// history folds the workload, and gives its community as it then is. A
// community without a history is all registrations, which cost little.
func (l *live) history(ctx context.Context) (*community, error) {
	world, err := traffic.New(l.Workload.world())
	if err != nil {
		return nil, err
	}
	c := &community{world: world, at: firstEvent}
	for range l.Workload.Events {
		e := c.next()
		if err := l.write(ctx, feed.Traffic(&e)); err != nil {
			return nil, err
		}
	}
	return c, l.drain(ctx)
}
