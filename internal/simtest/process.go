package simtest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/simtest/memstore"
	"github.com/badgestream/badgestream/internal/simtest/virtualnet"
	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/projections"
	"github.com/twmb/franz-go/pkg/kgo"
)

// process is one run of the engine, from its start to its end or its death.
type process struct {
	world  *World
	name   string
	host   *virtualnet.Host
	store  *memstore.Store
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	rng     *rand.Rand
	at      string // the request at which it dies; "" is any, and any packet
	left    int    // how many of them until then; 0: it does not
	mute    bool   // it dies at once, and sends nothing more
	dead    bool
	stalled time.Time // until then
}

// start makes a process of the slot; generation is how many it had before.
func (w *World) start(ctx context.Context, slot, generation int) *process {
	p := &process{world: w, name: fmt.Sprintf("%d.%d", slot, generation),
		rng: rand.New(rand.NewPCG(w.plan.Seed, uint64(1+slot)<<32|uint64(generation)))}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.host = w.net.Host(p)
	p.store = w.Postgres.Connect(link{p, postgres})
	if w.plan.Deadly > p.rng.IntN(100) {
		p.at = deadly[p.rng.IntN(len(deadly))]
		p.left = 1 + int(p.rng.ExpFloat64()*10)
		if p.at == "" {
			p.left *= 30
		}
	}
	return p
}

// run is the process's life. It ends with an error only if the engine does so
// by itself.
func (p *process) run(change func(*pipeline.Config)) error {
	defer p.cancel()
	tel := telemetry.Discard()
	tel.Log = slog.New(slog.NewTextHandler(p.world.trace.writer(p.name), &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: briefly}))
	servers := &pipeline.Servers{
		Store: p.store,
		Snapshots: func(cat *catalog.Catalog, in projections.Installed) pipeline.Snapshots {
			return p.world.Redis.NewWriter(link{p, redis}, p.store, cat, in)
		},
		Kafka: []kgo.Opt{kgo.Dialer(p.host.DialContext)},
	}
	cfg := p.world.cfg
	cfg.Workers, cfg.Batch, cfg.Tick = p.world.plan.Workers, p.world.plan.Batch, p.world.plan.Tick
	if change != nil {
		change(&cfg)
	}
	_, err := pipeline.RunOn(p.ctx, servers, cfg, p.world.Cat, tel)
	if p.isDead() {
		return nil
	}
	if err != nil && !pipeline.Halts(err) {
		p.world.trace.note(p.name, "did not come up: "+err.Error())
		return errNotUp
	}
	return err
}

// briefly leaves out wall time, and stacks.
func briefly(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	if err, ok := a.Value.Any().(error); ok {
		return slog.String(a.Key, err.Error())
	}
	return a
}

// kill is the sudden death: whatever the process still does reaches nobody.
func (p *process) kill() {
	p.mu.Lock()
	if p.dead {
		p.mu.Unlock()
		return
	}
	p.dead = true
	p.mu.Unlock()
	p.world.trace.note(p.name, "killed")
	p.store.Kill()
	p.host.Kill()
	p.cancel()
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

func (p *process) stall(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = time.Now().Add(d)
}
