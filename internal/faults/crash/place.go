// Package crash kills the engine at every crash point that it has, one by one
// and two by two, and does it other harm there; then it lets the engine go on,
// waits until all is folded and published, and has everything checked.
//
// The engine is the program itself, as a process. A crash point is a message
// between it and Kafka, Postgres or Redis, before it reaches the server or
// before its reply comes back; see package wire. What happened at no point is
// no test: a point that never came fails the case.
package crash

import (
	"slices"

	"github.com/badgestream/badgestream/internal/faults/wire"
)

// Place is a crash point: a moment of a message to one of the servers.
type Place struct {
	Server wire.Protocol
	wire.Point
	// batch says that the moment comes with each batch, once something is polled.
	batch bool
	// stop says that the moment comes only when the engine is asked to stop.
	stop bool
	// after names the moments at which a fault leaves work whose recovery brings
	// this one about. It is empty for moments that come by themselves.
	after []string
}

func (p Place) String() string { return p.Server.String() + " " + p.Point.String() }

// second is the occurrence that a fault waits for, of messages that come with
// every batch: by then something is folded and published.
const second = 2

// messages are what the engine says to its servers while it runs, in the order
// of a batch's life.
func messages() []Place {
	at := func(server wire.Protocol, nth int, names ...string) (places []Place) {
		for _, name := range names {
			places = append(places, Place{Server: server, Point: wire.Point{Message: name, Nth: nth}, batch: nth == second && name != "Fetch"})
		}
		return places
	}
	var all []Place
	all = append(all, at(wire.Postgres, 1, "SELECT pg_try_advisory_lock", "-- ping")...)
	all = append(all, at(wire.Kafka, 1, "InitProducerID", "FindCoordinator", "JoinGroup", "SyncGroup", "OffsetFetch", "Heartbeat")...)
	all = append(all, at(wire.Kafka, second, "Fetch")...)
	all = append(all, at(wire.Postgres, second, "BEGIN", "UPDATE fold_offset", "INSERT member", "INSERT users", "INSERT ledger", "COMMIT")...)
	all = append(all, at(wire.Redis, second, "EXEC", "EVALSHA marker")...)
	all = append(all, at(wire.Kafka, second, "Produce", "TxnOffsetCommit", "EndTxn")...)
	leave := at(wire.Kafka, 1, "LeaveGroup")
	leave[0].stop = true
	return append(all, leave...)
}

// recoveries are what only an engine says that finds K below P: it reads what
// its predecessor did not publish.
func recoveries() []Place {
	left := []string{"after COMMIT", "before EXEC", "after EXEC", "before EVALSHA marker", "after EVALSHA marker",
		"before Produce", "after Produce", "before TxnOffsetCommit", "after TxnOffsetCommit", "before EndTxn"}
	return []Place{
		{Server: wire.Postgres, Point: wire.Point{Message: "SELECT ledger"}, after: left},
		{Server: wire.Postgres, Point: wire.Point{Message: "SELECT history"}, after: left},
	}
}

// settling is what only an engine says that has lost the answer to its COMMIT:
// it locks the fold offset, to see what became of it.
func settling() Place {
	return Place{Server: wire.Postgres, Point: wire.Point{Message: "SELECT fold_offset"}, after: []string{"before COMMIT", "after COMMIT"}}
}

// follows reports whether this moment comes after a fault at another.
func (p Place) follows(first Place) bool {
	first.Nth = 0
	return len(p.after) == 0 || slices.Contains(p.after, first.Point.String())
}

// sides are both moments of each message.
func sides(messages []Place) (places []Place) {
	for _, m := range messages {
		for _, side := range []wire.Side{wire.Before, wire.After} {
			m.Side = side
			places = append(places, m)
		}
	}
	return places
}
