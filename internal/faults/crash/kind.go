package crash

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/internal/faults/wire"
)

// Kind is what happens at a place.
type Kind int

const (
	// Kill ends the process with SIGKILL; the message is lost.
	Kill Kind = iota
	// Ghost kills the process, and lets its request reach the server while its
	// successor is at work already. It is for moments before a message.
	Ghost
	// Cut resets the connection; the message is lost.
	Cut
	// Lose swallows the reply and closes the connection. It is for moments after
	// a message.
	Lose
	// Hang holds the connection, and cuts it after longer than any time-out.
	Hang
	// Delay holds the message for longer than the session's and the
	// transaction's time-out, and then lets it go on.
	Delay
	// Zombie holds the message and all of Kafka, until another process has taken
	// the partitions over and gone on; then everything is let go, and the first
	// wakes up in the middle of what is not its own any more.
	Zombie
	kinds
)

func (k Kind) String() string {
	return [...]string{"kill", "ghost", "cut", "lose reply", "hang", "delay", "zombie"}[k]
}

// The engine's session in its group ends after 10 s and its transaction after
// 8 s, as internal/pipeline sets them. kgo gives a request up after 10 s more
// than it may take.
const (
	ghostTime = 3 * time.Second
	delayTime = 12 * time.Second
	hangTime  = 22 * time.Second
	// By then the group has given the partitions to the heir, which folds.
	zombieTime = 14 * time.Second
)

// dies reports whether the process does not survive it.
func (k Kind) dies() bool { return k == Kill || k == Ghost }

// fits reports whether the kind makes sense at a place.
func (k Kind) fits(p Place) bool {
	switch k {
	case Ghost:
		return p.Side == wire.Before
	case Lose:
		return p.Side == wire.After
	case Zombie:
		return p.batch
	}
	return true
}

// fault is what the proxy does, where kill ends the engine and usurp cuts it off
// from Kafka, lets another take its place, and answers with the way back.
func (k Kind) fault(kill func(), usurp func() (release func())) wire.Fault {
	switch k {
	case Kill:
		return wire.Then(kill, wire.Cut())
	case Ghost:
		return wire.Then(kill, wire.Delay(ghostTime))
	case Cut:
		return wire.Cut()
	case Lose:
		return wire.Lose()
	case Hang:
		return wire.Hang(hangTime)
	case Zombie:
		return func(ctx context.Context) wire.Verdict {
			defer usurp()()
			return wire.Delay(zombieTime)(ctx)
		}
	}
	return wire.Delay(delayTime)
}
