package bench

import (
	"context"
	"slices"

	"github.com/cockroachdb/errors"
)

// entrant makes a contender for each round.
type entrant func(round int) contender

// alternate has contenders take turns for so many rounds, in an order that is
// turned round each time, and gives their turns.
func (b *bench) alternate(ctx context.Context, rounds int, entrants ...entrant) ([]Turn, error) {
	var turns []Turn
	// Round 0 does not count: caches fill, and Kafka's Java compiles itself.
	for round := range rounds + 1 {
		if round == 0 && b.warm {
			continue
		}
		order := slices.Clone(entrants)
		if round%2 == 0 {
			slices.Reverse(order)
		}
		for _, enter := range order {
			c := enter(round)
			if round == 0 && c.prepare != nil { // which may take long, and warms nothing up
				continue
			}
			t, err := b.turn(ctx, c, round)
			if err != nil {
				return nil, err
			}
			if round == 0 {
				b.say("warmed up with the %s", c.name)
				continue
			}
			b.say("round %d of %d: %s, %s events in %.2f s, %s/s", round, rounds, c.name, grouped(t.Events), t.Seconds, grouped(int64(t.Rate)))
			turns = append(turns, t)
		}
	}
	b.warm = true
	return turns, nil
}

// turn measures one contender, and removes what it made.
func (b *bench) turn(ctx context.Context, c contender, round int) (t Turn, err error) {
	defer func() { err = errors.CombineErrors(err, b.Servers.sweep(ctx, b.group(c.name, round))) }()
	if c.setUp != nil {
		if _, err := b.execute(ctx, c.setUp); err != nil {
			return t, err
		}
	}
	if c.prepare != nil {
		if err := c.prepare(ctx); err != nil {
			return t, errors.Wrapf(err, "prepare the %s of round %d", c.name, round)
		}
	}
	if b.Servers.Own { // somebody else's server has other work to do
		if err := b.Servers.checkpoint(ctx); err != nil {
			return t, err
		}
	}
	m := startMeter(b.servers)
	end, err := b.execute(ctx, c.args)
	if err != nil {
		return t, err
	}
	read := m.stop()
	report, err := end.report()
	if err == nil && (report.Events < c.events || report.Seconds <= 0) {
		err = errors.Newf("it took %d of %d events in %g s", report.Events, c.events, report.Seconds)
	}
	if err != nil {
		return t, errors.Wrapf(err, "the %s in round %d", c.name, round)
	}
	return Turn{Contender: c.name, Round: round, Report: report, Figures: figures(c.name, &report, &end, &read)}, nil
}

func figures(contender string, r *Report, e *ended, read *reading) Figures {
	millions := float64(r.Events) / 1e6
	f := Figures{
		Rate:       float64(r.Events) / r.Seconds,
		CPU:        map[string]float64{contender: e.cpu.Seconds() / millions},
		OtherCores: read.otherCores, PeakMemory: e.peakMemory,
	}
	for name, time := range read.cpu {
		f.CPU[name] = time.Seconds() / millions
	}
	return f
}
