package crash

import (
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
	kinds
)

func (k Kind) String() string {
	return [...]string{"kill", "ghost", "cut", "lose reply", "hang", "delay"}[k]
}

// The engine's session in its group ends after 10 s and its transaction after
// 8 s, as internal/pipeline sets them. kgo gives a request up after 10 s more
// than it may take.
const (
	ghostTime = 3 * time.Second
	delayTime = 12 * time.Second
	hangTime  = 22 * time.Second
)

// dies reports whether the process does not survive it.
func (k Kind) dies() bool { return k == Kill || k == Ghost }

// fits reports whether the kind makes sense at a side.
func (k Kind) fits(side wire.Side) bool {
	return k != Ghost && k != Lose || (k == Ghost) == (side == wire.Before)
}

// fault is what the proxy does, where kill ends the engine.
func (k Kind) fault(kill func()) wire.Fault {
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
	}
	return wire.Delay(delayTime)
}
