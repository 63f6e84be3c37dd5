package wire

import (
	"context"
	"time"
)

// Verdict is what becomes of a message and its connection after a fault.
type Verdict int

const (
	// Pass lets the message go on its way.
	Pass Verdict = iota
	// Reset drops the message and resets the connection, to both sides.
	Reset
	// Close drops the message and ends the connection in order, to both sides.
	Close
)

// Fault is what happens at a point. While it runs, the message is held, and so
// is all that follows in the same direction of the same connection; nothing
// else is. The context ends when the connection has ended.
type Fault func(context.Context) Verdict

// Cut resets the connection at once.
func Cut() Fault { return func(context.Context) Verdict { return Reset } }

// Lose drops the message and then closes. After a message this is a lost reply:
// what was asked is done, and who asked is not told.
func Lose() Fault { return func(context.Context) Verdict { return Close } }

// Delay holds the message for as long, and lets it go on, also where the client
// has given up by then.
func Delay(d time.Duration) Fault {
	return func(ctx context.Context) Verdict {
		wait(ctx, d)
		return Pass
	}
}

// Hang holds the message and resets the connection after the bound.
func Hang(bound time.Duration) Fault {
	return func(ctx context.Context) Verdict {
		wait(ctx, bound)
		return Reset
	}
}

// Then does something first, such as to kill a process, and then the fault.
func Then(first func(), fault Fault) Fault {
	return func(ctx context.Context) Verdict {
		first()
		return fault(ctx)
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
