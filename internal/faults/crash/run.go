package crash

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/faults/wire"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/telemetry"
)

// Limits of one case.
const (
	partitions = 2
	batch      = 40 // of the first process; successors take one and a half times as many

	meetTime  = 40 * time.Second // until a fault's moment comes
	healTime  = 90 * time.Second // until all is published after the last fault
	stopTime  = 20 * time.Second // until the engine has stopped when asked to
	quietTime = 3 * time.Second  // until what an idle engine says has come, such as a heartbeat
	drainTime = time.Second      // until a killed process's last messages have arrived
	lookEvery = 20 * time.Millisecond
)

// Result is what became of a case.
type Result struct {
	Case Case
	// Err is why it failed; nil if everything was right in the end.
	Err error
	// Healed is the time from the moment of the last fault until all that then
	// stood in the log, and more, was published.
	Healed time.Duration
	// Took is the time of the whole case.
	Took time.Duration
	// Endings are how the engine ended by itself: a supervisor started it again.
	Endings []string
	// Seen are the messages that the engine sent, by server.
	Seen map[wire.Protocol]map[string]int
}

// run is one case that is under way.
type run struct {
	*Runner
	c       Case
	cfg     pipeline.Config // the servers themselves
	proxies [3]*wire.Proxy  // by wire.Protocol
	engine  *engine
	heir    *engine // another process of the group, without proxies
	parts   [][]*kgo.Record
	armed   []*wire.Armed
	sent    int64
	result  Result
}

// Run runs one case.
func (r *Runner) Run(ctx context.Context, c Case) Result {
	began := time.Now()
	r.mu.Lock()
	r.runs++
	n := r.runs
	r.mu.Unlock()
	x := &run{Runner: r, c: c, result: Result{Case: c}, cfg: r.config(n)}
	err := x.prepare(ctx)
	if err == nil {
		err = x.watched(ctx)
	}
	x.end()
	if err == nil {
		err = x.proxyErrors()
	}
	if err == nil {
		err = check(ctx, &x.cfg)
	}
	if err != nil && x.engine != nil {
		err = errors.Wrapf(err, "%s (seed %d)", c, c.Seed)
		err = errors.WithDetailf(err, "the engine's log ends with:\n%s\nits heir's:\n%s", x.engine.log.String(), x.heir.log.String())
	}
	if err == nil {
		err = x.remove(ctx)
	}
	x.result.Err, x.result.Took = err, time.Since(began)
	return x.result
}

func (r *Runner) config(n int) pipeline.Config {
	group := fmt.Sprintf("%s-%d", r.servers.Prefix, n)
	return pipeline.Config{
		Brokers: r.servers.Brokers, Postgres: r.servers.Postgres, Redis: r.servers.Redis,
		Group: group, ActivityTopic: group + ".activity", AwardTopic: group + ".badges", DeadLetterTopic: group + ".dead",
		Partitions: partitions,
	}
}

// prepare makes everything but the engine's process.
func (x *run) prepare(ctx context.Context) error {
	all, err := stream(x.cfg.ActivityTopic, x.c.Seed, partEvents*(len(x.c.Steps)+1))
	if err != nil {
		return err
	}
	for i := range len(x.c.Steps) + 1 {
		x.parts = append(x.parts, all[i*partEvents:(i+1)*partEvents])
	}
	if err := pipeline.Init(ctx, x.cfg, x.cat, telemetry.Discard().Log); err != nil {
		return errors.Wrap(err, "init")
	}
	through := x.cfg
	if through.Brokers, err = x.proxy(ctx, wire.Kafka, x.cfg.Brokers[0]); err != nil {
		return err
	}
	for _, at := range []struct {
		protocol wire.Protocol
		url      *string
	}{{wire.Postgres, &through.Postgres}, {wire.Redis, &through.Redis}} {
		host, err := wire.Host(*at.url)
		if err != nil {
			return err
		}
		address, err := x.proxy(ctx, at.protocol, host)
		if err != nil {
			return err
		}
		if *at.url, err = wire.Through(*at.url, address[0]); err != nil {
			return err
		}
	}
	x.engine = &engine{command: func(batch int) *exec.Cmd { return command(ctx, x.binary, &through, batch) }}
	x.heir = &engine{command: func(batch int) *exec.Cmd { return command(ctx, x.binary, &x.cfg, batch) }}
	return nil
}

func (x *run) proxy(ctx context.Context, protocol wire.Protocol, server string) (address []string, err error) {
	if x.proxies[protocol], err = wire.Listen(ctx, protocol, server); err != nil {
		return nil, err
	}
	return []string{x.proxies[protocol].Address()}, nil
}

// command is `badgestream run`, without any settings of this process.
func command(ctx context.Context, binary string, cfg *pipeline.Config, batch int) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, "run", "--brokers", strings.Join(cfg.Brokers, ","), "--postgres", cfg.Postgres, "--redis", cfg.Redis,
		"--group", cfg.Group, "--activity-topic", cfg.ActivityTopic, "--award-topic", cfg.AwardTopic, "--dead-letter-topic", cfg.DeadLetterTopic,
		"--partitions", fmt.Sprint(partitions), "--workers", fmt.Sprint(partitions), "--batch", fmt.Sprint(batch))
	for _, s := range os.Environ() {
		if !strings.HasPrefix(s, "BADGESTREAM_") {
			cmd.Env = append(cmd.Env, s)
		}
	}
	return cmd
}

// watched plays the case while the oracle watches.
func (x *run) watched(ctx context.Context) error {
	watch, err := oracle.Watch(ctx, audited(&x.cfg), watchEvery)
	if err != nil {
		return err
	}
	err = x.play(ctx)
	return errors.CombineErrors(err, verdict(watch.Stop()))
}

// play lets the engine meet the faults, and then lets it finish. A message that
// is still held must arrive as well before everything is looked at.
func (x *run) play(ctx context.Context) error {
	for i := range x.c.Steps {
		if err := x.step(ctx, i); err != nil {
			return err
		}
	}
	met := time.Now()
	if err := x.produce(ctx, len(x.c.Steps)); err != nil {
		return err
	}
	if err := x.engine.start(); err != nil {
		return err
	}
	healing, cancel := context.WithTimeout(ctx, healTime)
	defer cancel()
	err := x.published(healing)
	x.result.Healed = time.Since(met)
	if err != nil {
		return err
	}
	for _, a := range x.armed {
		select {
		case <-a.Over():
		case <-healing.Done():
			return errors.Newf("%s is not over", a.Point)
		}
	}
	stopping, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	return errors.CombineErrors(x.engine.stop(stopping), x.heir.stop(stopping))
}

// usurp cuts the engine off from Kafka and starts its heir.
func (x *run) usurp() (release func()) {
	release = x.proxies[wire.Kafka].Stall()
	if err := x.heir.start(); err != nil {
		x.heir.note(err.Error())
	}
	return release
}

// step plays one fault. Those that do not kill may go on while the next comes.
func (x *run) step(ctx context.Context, i int) error {
	s := x.c.Steps[i]
	died := make(chan struct{})
	a := x.proxies[s.Server].Arm(s.Point, s.Kind.fault(func() { x.engine.kill(); close(died) }, x.usurp))
	x.armed = append(x.armed, a)
	if err := x.produce(ctx, i); err != nil {
		return err
	}
	if err := x.engine.start(); err != nil {
		return err
	}
	if err := x.meet(ctx, s, a); err != nil {
		return err
	}
	if s.Kind.dies() {
		<-died
	}
	switch {
	case s.Kind == Kill:
		x.settle(ctx)
	case s.Kind == Zombie && i+1 < len(x.c.Steps):
		return x.abdicate(ctx, a)
	}
	return nil
}

// abdicate ends the heir, once the zombie has woken up: what it has, no fault
// could meet.
func (x *run) abdicate(ctx context.Context, a *wire.Armed) error {
	ctx, cancel := context.WithTimeout(ctx, zombieTime+stopTime)
	defer cancel()
	select {
	case <-a.Over():
		return x.heir.stop(ctx)
	case <-ctx.Done():
		return errors.Newf("%s is not over", a.Point)
	}
}

// settle lets what a killed process had sent arrive.
func (x *run) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	for _, p := range x.proxies {
		p.Drained(ctx)
	}
}

// meet waits for a fault's moment. One that comes only when the engine stops or
// starts is brought about once there is nothing else to do: the engine is asked
// to stop, and its supervisor starts it again.
func (x *run) meet(ctx context.Context, s Step, a *wire.Armed) error {
	ctx, cancel := context.WithTimeout(ctx, meetTime)
	defer cancel()
	if !s.batch {
		waiting, met := context.WithCancel(ctx)
		defer met()
		go func() {
			select {
			case <-a.Met():
				met()
			case <-waiting.Done():
			}
		}()
		err := x.published(waiting)
		if !s.stop && err == nil {
			wait(waiting, quietTime)
		}
		switch {
		case a.Fired():
			return nil
		case err != nil:
			return err
		}
		x.engine.ask()
	}
	select {
	case <-a.Met():
		return nil
	case <-ctx.Done():
		return errors.Newf("the moment %s never came within %s", s.Place, meetTime)
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

// end ends the engine and the proxies.
func (x *run) end() {
	if x.engine != nil {
		x.engine.kill()
		x.heir.kill()
	}
	x.result.Seen = map[wire.Protocol]map[string]int{}
	for protocol, p := range x.proxies {
		if p != nil {
			x.result.Seen[wire.Protocol(protocol)] = p.Seen()
			p.Close()
		}
	}
	if x.engine != nil {
		x.engine.waiting.Wait()
		x.heir.waiting.Wait()
		x.result.Endings = append(x.engine.endings(), x.heir.endings()...)
	}
}

func (x *run) proxyErrors() error {
	for _, p := range x.proxies {
		if err := p.Err(); err != nil {
			return errors.Wrap(err, "this case shows nothing")
		}
	}
	return nil
}
