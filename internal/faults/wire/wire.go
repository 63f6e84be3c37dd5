// Package wire stands between a client and its Kafka, Postgres or Redis, knows
// enough of the protocol to see which message passes, and does harm at a point
// that a test names: it kills, cuts, hangs, delays, or loses a reply.
//
//	proxy, err := wire.Listen(ctx, wire.Postgres, "127.0.0.1:5432")
//	armed := proxy.Arm(wire.Point{Message: "COMMIT", Side: wire.After, Nth: 3}, wire.Lose())
//	… connect a client to proxy.Address() …
//	<-armed.Met()
//
// Without an armed point, everything passes as it is. Only a Kafka broker's
// addresses are exchanged for those of proxies, as its clients connect to the
// addresses that it names.
package wire

import "fmt"

// Protocol is what a proxy understands.
type Protocol int

// The protocols.
const (
	Kafka Protocol = iota
	Postgres
	Redis
)

func (p Protocol) String() string { return [...]string{"Kafka", "Postgres", "Redis"}[p] }

// Side is one of the two moments of a message.
type Side int

const (
	// Before is when a request has arrived at the proxy, and not at the server.
	Before Side = iota
	// After is when the server's reply has arrived at the proxy, and not at the
	// client: what was asked is done.
	After
)

func (s Side) String() string { return [...]string{"before", "after"}[s] }

// Point is a moment of a conversation.
type Point struct {
	// Message names what is asked:
	//   - of Kafka the request, as kmsg names it: Produce, EndTxn, JoinGroup;
	//   - of Postgres what the statement does, and to what: "COMMIT",
	//     "INSERT users", "UPDATE fold_offset", "SELECT pg_try_advisory_lock",
	//     without schemas;
	//   - of Redis the command with the kind of its key, which stands between
	//     the key's first two colons: "EVALSHA progress", "HGETALL marker".
	Message string
	Side    Side
	// Nth says which occurrence it is, from 1 on, over all connections, since
	// the point was armed; 0 is the first too.
	Nth int
}

func (p Point) String() string {
	text := fmt.Sprintf("%s %s", p.Side, p.Message)
	if p.Nth > 1 {
		text += fmt.Sprintf(" #%d", p.Nth)
	}
	return text
}
