package projections

import (
	"fmt"
	"math/rand/v2"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

const day = int64(24 * 3600 * 1_000_000)

// traffic makes a log of the running club that goes for trouble: few runners
// and few things, each credited from every partition, thresholds crossed to
// and fro, deletions before creations, duplicates, rejects, late events.
type traffic struct {
	*rand.Rand
	users, things int
	now           int64
	ticks         bool
}

func newTraffic(seed uint64, ticks bool) *traffic {
	return &traffic{Rand: rand.New(rand.NewPCG(seed, 1)), users: 9, things: 12, now: 1_770_000_000_000_000, ticks: ticks}
}

func (g *traffic) user() string              { return fmt.Sprintf("u%d", g.IntN(g.users)) }
func (g *traffic) thing() string             { return fmt.Sprintf("x%d", g.IntN(g.things)) }
func (g *traffic) choice(s ...string) string { return s[g.IntN(len(s))] }

func (g *traffic) log(partitions, events int) []*partition {
	log := make([]*partition, partitions)
	for p := range log {
		log[p] = &partition{number: int32(p), window: processor.NewWindow(20000)}
		for i := range events {
			log[p].events = append(log[p].events, g.event(p, i, log[p].events))
		}
	}
	return log
}

func (g *traffic) event(p, i int, before []event) event {
	// All partitions tell of the same weeks: a partition is behind the others
	// by as much as chance has it.
	at := g.now + int64(i)*day/4 + g.Int64N(day) - g.Int64N(2*day)
	ev := event{Event: schemas.Event{ID: fmt.Sprintf("e%d-%d", p, i), Source: "/club", Subject: g.user(), Time: at, HasTime: true}}
	switch n := g.IntN(100); {
	case n < 2:
		ev.reject = true
	case n < 5 && len(before) > 0:
		return before[g.IntN(len(before))]
	case n < 8 && g.ticks:
		ev.Type, ev.Subject, ev.Data = schemas.TickType, "", []byte(`{}`)
	default:
		ev.Type, ev.Data = g.act()
	}
	return ev
}

func (g *traffic) act() (string, []byte) {
	data := func(format string, args ...any) []byte { return fmt.Appendf(nil, format, args...) }
	switch g.IntN(16) {
	case 0:
		return "stride.runner.joined", data(`{}`)
	case 1:
		return "stride.runner.upgraded", data(`{}`)
	case 2, 3:
		return "stride.run.logged", data(`{"run":%q,"metres":%d,"surface":%q}`, g.thing(), 1+g.IntN(40000), g.choice("road", "trail", "track"))
	case 4:
		return "stride.run.removed", data(`{"run":%q,"runner":%q}`, g.thing(), g.user())
	case 5:
		return "stride.goal.set", data(`{"kilometres":%d}`, g.IntN(80))
	case 6:
		return "stride.goal.dropped", data(`{}`)
	case 7:
		return "stride.home.moved", data(`{"altitude":%d}`, g.IntN(3000)-400)
	case 8, 9:
		return "stride.session.changed", data(`{"session":%q,"state":%q}`, g.thing(), g.choice("planned", "done", "done", "missed"))
	case 10:
		return "stride.session.dropped", data(`{"session":%q}`, g.thing())
	case 11:
		return "stride.points.earned", data(`{"points":%d}`, 1+g.IntN(90))
	case 12:
		return "stride.points.spent", data(`{"points":%d}`, 1+g.IntN(90))
	case 13:
		return "stride.route.shared", data(`{"route":%q}`, g.thing())
	case 14:
		if g.IntN(4) == 0 {
			return "stride.route.withdrawn", data(`{"route":%q,"owner":%q}`, g.thing(), g.user())
		}
		fallthrough
	default:
		return "stride.route.starred", data(`{"route":%q,"owner":%q,"stars":%d}`, g.thing(), g.user(), 1+g.IntN(3))
	}
}
