// Package fault says what can go wrong between a process and a server that is
// simulated.
package fault

import (
	"context"

	"github.com/cockroachdb/errors"
)

// Fate is what becomes of a request to a server.
type Fate uint8

// The fates.
const (
	// Works: the server does it and says so.
	Works Fate = iota
	// Fails: the connection breaks before the server has done it.
	Fails
	// Unheard: the server does it, and the connection breaks before it has said
	// so.
	Unheard
)

// Link stands between a process and a server. Send is called with each round
// trip, before the server does what is asked: it may wait, for as long as the
// connection hangs, and says what becomes of the request.
type Link interface {
	Send(ctx context.Context, request string) Fate
}

// ErrBroken is what a client sees of a connection that breaks.
var ErrBroken = errors.New("the connection broke (simulated)")
