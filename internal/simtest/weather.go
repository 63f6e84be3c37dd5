package simtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/badgestream/badgestream/internal/simtest/fault"
	"github.com/badgestream/badgestream/internal/simtest/virtualnet"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// deadly are the requests at which processes die: all that a batch has to say,
// and any.
var deadly = []string{"", "", "begin", "write rows", "commit", "write snapshots", "move the marker on", "Produce", "TxnOffsetCommit", "EndTxn", "InitProducerID", "JoinGroup"} //nolint:gochecknoglobals // a table

// dies counts a request or a packet, and reports whether the process dies at
// it, and whether it still gets out.
func (p *process) dies(request string) (dies, after bool) {
	if p.left == 0 || !p.world.faulty() || p.at != "" && p.at != request {
		return false, false
	}
	p.left--
	return p.left == 0, p.rng.IntN(2) == 0
}

// chance draws with a likelihood in a million.
func (p *process) chance(million int) bool {
	return million > 0 && p.world.faulty() && p.rng.IntN(1_000_000) < million
}

func (p *process) latency() time.Duration {
	return time.Duration(p.rng.Int64N(int64(p.world.plan.Latency)))
}

// kafkaRequest is the name of the request that a packet begins with: its size,
// and then the request's key.
func kafkaRequest(out bool, b []byte) string {
	if !out || len(b) < 6 {
		return "packet"
	}
	return kmsg.NameForKey(int16(binary.BigEndian.Uint16(b[4:])))
}

// Packet decides about bytes to and from Kafka.
func (p *process) Packet(out bool, b []byte) (time.Duration, virtualnet.Fate) {
	request := kafkaRequest(out, b)
	p.mu.Lock()
	mute := p.mute
	dies, after := p.dies(request)
	p.mute = mute || dies
	lost, last := p.chance(p.world.plan.KafkaLoss), p.rng.IntN(2) == 0
	delay := max(p.latency(), time.Until(p.stalled))
	p.mu.Unlock()
	switch {
	case dies:
		p.world.trace.note(p.name, fmt.Sprintf("dies at Kafka, arrived %t: %s", after, request))
		time.AfterFunc(dying, p.kill)
		if after {
			return 0, virtualnet.Last
		}
		return 0, virtualnet.Lost
	case mute:
		return 0, virtualnet.Lost
	case p.world.away(kafka):
		return 0, virtualnet.Lost
	case lost && last:
		return delay, virtualnet.Last
	case lost:
		return delay, virtualnet.Lost
	}
	return delay, virtualnet.Arrives
}

// link is the process's way to Postgres or Redis.
type link struct {
	process *process
	to      string
}

// Send decides about a request.
func (l link) Send(ctx context.Context, request string) fault.Fate {
	p := l.process
	p.mu.Lock()
	if p.mute {
		p.mu.Unlock()
		sleep(ctx, dying)
		return fault.Fails
	}
	dies, after := p.dies(request)
	p.mute = dies
	loss := p.world.plan.PostgresLoss
	if l.to == redis {
		loss = p.world.plan.RedisLoss
	}
	breaks, unheard := p.chance(loss), p.rng.IntN(2) == 0
	wait := max(p.latency(), time.Until(p.stalled))
	if p.chance(p.world.plan.Hang) {
		wait = time.Duration(p.rng.Int64N(int64(15 * time.Second)))
		p.world.trace.note(p.name, fmt.Sprintf("%s hangs for %v: %s", l.to, wait, request))
	}
	p.mu.Unlock()
	if dies {
		p.world.trace.note(p.name, fmt.Sprintf("dies at %s, out %t: %s", l.to, after, request))
		time.AfterFunc(dying, p.kill)
		if after {
			return fault.Unheard
		}
		return fault.Fails
	}
	sleep(ctx, wait)
	switch {
	case p.world.away(l.to):
		return fault.Fails
	case breaks && unheard:
		p.world.trace.note(p.name, l.to+" unheard: "+request)
		return fault.Unheard
	case breaks:
		p.world.trace.note(p.name, l.to+" fails: "+request)
		return fault.Fails
	}
	return fault.Works
}

// dying is how long a process takes to be gone that sends nothing more.
const dying = time.Millisecond

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
